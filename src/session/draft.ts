/** The line being written, and the process of the face that wrote it, which may still be running. */
export interface UnsentLine {
  readonly text: string
  /** Undefined if that face was closed. */
  readonly pid: number | undefined
}

/** The draft that a face starts with: empty if the stored one is open in another face. */
export const draftToStart = ({ text, pid }: UnsentLine, isOpenElsewhere: (pid: number) => boolean): string =>
  pid !== undefined && isOpenElsewhere(pid) ? '' : text

/**
 * The draft to store. An empty draft does not replace the draft of another face, which is a draft that this face has
 * neither read nor stored.
 */
export function draftToStore(current: UnsentLine, stored: UnsentLine, known: string): UnsentLine {
  return current.text === '' && stored.text !== known ? stored : current
}
