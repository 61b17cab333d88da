/** What was being written, and in which process: that may run still, with another window of the same chat. */
export interface Draft {
  readonly text: string
  /** Undefined where the window was left. */
  readonly pid: number | undefined
}

/** The draft that a window starts with: not a copy of one that is open in another window. */
export const draftToStart = ({ text, pid }: Draft, isOpenElsewhere: (pid: number) => boolean): string =>
  pid !== undefined && isOpenElsewhere(pid) ? '' : text

/**
 * The draft to store: this window's own. An empty one does not replace the draft of another window, which is one that
 * this window has neither read nor stored.
 */
export function draftToStore(own: Draft, stored: Draft, known: string): Draft {
  return own.text === '' && stored.text !== known ? stored : own
}
