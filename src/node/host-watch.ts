import type { Cancel, Clock, Millis } from '../base/clock.js'

/** How often the process that keeps the chat running is asked whether it answers, and how long it has for that. */
const ASK_MS = 500
const ANSWER_MS = 1_200
/** The same for the first answer: a user who starts a window sees nothing until then. */
export const FIRST_ANSWER_MS = 700
/** A timer that is later than this says that this process was stopped itself: then nobody else is late. */
const LATE_MS = 500

/** What to do about a process that does not answer. It is stopped in most cases, as by Ctrl-Z. */
export function silentLine(me: string, pid: number | undefined): string {
  const who = `another process of ${me}${pid === undefined ? '' : ` (pid ${pid})`}`
  const end = pid === undefined ? 'end it' : `end it with kill -9 ${pid}`
  return `${who} has this chat open and does not answer; it may be stopped: continue it with fg in its terminal, or ${end}`
}

/** Calls `onSilent` unless it is cancelled before the other process has had time to answer. */
export function afterSilence(clock: Clock, answerMs: Millis, onSilent: () => void): Cancel {
  const dueAt = clock.now() + answerMs
  let cancel = clock.after(answerMs, () => {
    if (clock.now() <= dueAt + LATE_MS) return onSilent()
    cancel = afterSilence(clock, answerMs, onSilent)
  })
  return () => cancel()
}

export interface WatchedHost {
  readonly isParted: boolean
  /** Resolves when the other process answers; rejects when it is gone. */
  ping(): Promise<void>
}

/** Tells when the process that keeps the chat running stops answering, and when it answers again. */
export function watchHost(host: WatchedHost, clock: Clock, onChange: (isSilent: boolean) => void): void {
  let isSilent = false
  const ask = (): void => {
    if (host.isParted) return
    const cancel = afterSilence(clock, ANSWER_MS, () => {
      isSilent = true
      onChange(true)
    })
    host.ping().then(() => {
      cancel()
      if (isSilent) onChange(false)
      isSilent = false
      clock.after(ASK_MS, ask)
    }, cancel)
  }
  ask()
}
