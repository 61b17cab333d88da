/** The line being written, and the process that wrote it, which may still run as another window of the same chat. */
export interface UnsentLine {
  readonly text: string
  /** Undefined if the window was closed. */
  readonly pid: number | undefined
}

/** The draft that a window starts with: empty if the stored one is open in another window. */
export const draftToStart = ({ text, pid }: UnsentLine, isOpenElsewhere: (pid: number) => boolean): string =>
  pid !== undefined && isOpenElsewhere(pid) ? '' : text

/**
 * The draft to store. An empty draft does not replace the draft of another window, that is, one that this window has
 * neither read nor stored.
 */
export function draftToStore(current: UnsentLine, stored: UnsentLine, known: string): UnsentLine {
  return current.text === '' && stored.text !== known ? stored : current
}
