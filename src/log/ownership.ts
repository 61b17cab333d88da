/** What `lstat` says of a file, as far as it matters here. */
interface Owned {
  readonly uid: number
  readonly mode: number
}

const OF_OTHERS = 0o077

/** Whether a file is this user's. Always where the system has no user ids. */
export const isOwn = ({ uid }: Owned, me = process.getuid?.()): boolean => me === undefined || uid === me

/** Whether other users may read or write it. Never where the system has no user ids: its modes mean nothing. */
export const isOpenToOthers = ({ mode }: Owned, me = process.getuid?.()): boolean =>
  me !== undefined && (mode & OF_OTHERS) !== 0
