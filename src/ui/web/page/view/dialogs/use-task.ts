import { useState } from 'preact/hooks'
import { RequestError } from '../../connection/request-error.js'

/** Something that a dialog asks for: whether it waits, and why it failed. */
export interface DialogTask {
  readonly isRunning: boolean
  /** How far it is; empty if it says nothing. */
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
