import { useState } from 'preact/hooks'
import { RequestError } from '../../connection/request-error.js'

/** A task that a dialog started: whether it is running, how far it has got, and why it failed. */
export interface DialogTask {
  readonly isRunning: boolean
  /** How far the task has got; empty if it does not report that. */
  readonly progress: string
  readonly fault: string
  readonly setProgress: (text: string) => void
  readonly run: (work: () => Promise<void>) => void
}

export function useTask(): DialogTask {
  const [isRunning, setRunning] = useState(false)
  const [progress, setProgress] = useState('')
  const [fault, setFault] = useState('')
  const run = (work: () => Promise<void>): void => {
    setRunning(true)
    setFault('')
    setProgress('')
    work()
      .catch(error => setFault(error instanceof RequestError ? error.sentence : String(error)))
      .finally(() => setRunning(false))
  }
  return { isRunning, progress, fault, setProgress, run }
}
