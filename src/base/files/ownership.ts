/** The part of a file's `lstat` that says who may access it. */
interface Owned {
  readonly uid: number
  readonly mode: number
}

const OF_OTHERS = 0o077

/** Whether this user owns a file. Always true on systems without user ids. */
export const isOwn = ({ uid }: Owned, me = process.getuid?.()): boolean => me === undefined || uid === me

/** Whether other users have permissions on it. Always false on systems without user ids, where modes mean nothing. */
export const isOpenToOthers = ({ mode }: Owned, me = process.getuid?.()): boolean =>
  me !== undefined && (mode & OF_OTHERS) !== 0
