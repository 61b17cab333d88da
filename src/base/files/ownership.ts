/** The fields of a file's `lstat` that determine who may access it. */
interface Owned {
  readonly uid: number
  readonly mode: number
}

const GROUP_AND_OTHERS = 0o077

/** Whether this user owns a file. Always true on systems without user ids. */
export const isOwn = ({ uid }: Owned, me = process.getuid?.()): boolean => me === undefined || uid === me

/** Whether other users have permissions on a file. Always false on systems without user ids, where modes mean nothing. */
export const isOpenToOthers = ({ mode }: Owned, me = process.getuid?.()): boolean =>
  me !== undefined && (mode & GROUP_AND_OTHERS) !== 0
