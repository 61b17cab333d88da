import { readFileSync } from 'node:fs'

/** Job control state of this process. */
export interface JobState {
  /**
   * Whether it is in the foreground. A background process must not use the terminal: a read, or a change of the mode,
   * stops its whole process group.
   */
  readonly isInForeground: boolean
  /** Whether it may be a job of a shell, which uses the terminal while the process is stopped. */
  readonly isJob: boolean
}

/** The current state. Without /proc, assumes the foreground: other systems stop background jobs that use the terminal. */
export function jobState(): JobState {
  try {
    return jobStateIn(readFileSync('/proc/self/stat', 'utf8'))
  } catch {
    return { isInForeground: true, isJob: true }
  }
}

/** Parses `/proc/<pid>/stat`, see proc_pid_stat(5). */
export function jobStateIn(stat: string): JobState {
  // The process name before these fields may contain anything, even a parenthesis.
  const [, , group, session, , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const hasTerminal = foreground !== undefined && foreground !== '-1'
  return { isInForeground: !hasTerminal || foreground === group, isJob: group !== session }
}
