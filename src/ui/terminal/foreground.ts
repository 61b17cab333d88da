import { readFileSync } from 'node:fs'

/** Where this process is among those of its terminal. */
export interface JobState {
  /**
   * Whether it is in the foreground. In the background it must neither write nor read: a read, or a change of the mode,
   * would stop its whole process group.
   */
  readonly isInForeground: boolean
  /** Whether it may be a job of a shell, which uses the terminal while this process is stopped. */
  readonly isJob: boolean
}

/** The state now. Where the system does not tell, as outside of Linux, it stops a job that is in the background. */
export function jobState(): JobState {
  try {
    return jobStateIn(readFileSync('/proc/self/stat', 'utf8'))
  } catch {
    return { isInForeground: true, isJob: true }
  }
}

/** The same, from a line of `/proc/<pid>/stat` (proc_pid_stat(5)). */
export function jobStateIn(stat: string): JobState {
  // The name before these fields may contain anything, a parenthesis included.
  const [, , group, session, , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const hasTerminal = foreground !== undefined && foreground !== '-1'
  return { isInForeground: !hasTerminal || foreground === group, isJob: group !== session }
}
