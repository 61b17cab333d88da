/** Approximate number of bytes read from the database at once. */
export const PAGE_BYTES_MAX = 64 * 1024

export interface Put {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** One change in a commit. */
export type Write = Put | { readonly type: 'del'; readonly key: Uint8Array }

export interface Range {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

export type Row = readonly [key: Uint8Array, value: Uint8Array]

export const ALL_ROWS: Range = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) }

/** An ordered, persistent map from bytes to bytes: LevelDB in production, in memory in tests and simulations. */
export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Rows of a range in order, in pages of about PAGE_BYTES_MAX. Continues after a `reopen`. */
  pages(range: Range): AsyncGenerator<readonly Row[]>
  /** Keys of a range in order. */
  keys(range: Range): AsyncGenerator<readonly Uint8Array[]>
  /**
   * Stores all of `writes` or none; they are on disk when it resolves. After a rejection it is unknown what was stored, and nothing
   * may be committed until `reopen` has resolved: LevelDB has been observed to lose acknowledged writes otherwise.
   * docs/protocol/storage.md §4.3.
   */
  commit(writes: readonly Write[]): Promise<void>
  /** Rewrites the files of a range, so that nothing of replaced and deleted values is left in any file. */
  compact?(range: Range): Promise<void>
  /** Deletes files that were replaced while a reader used them, unless a reader still uses them. */
  sweep?(): Promise<void>
  /** The size of all files. */
  bytes?(): Promise<number>
  /** Checks all files for damage. Rejects with LOG_CORRUPT. */
  inspect?(): Promise<void>
  /** Tests whether the disk accepts writes again, then reopens the database. Rejects if it does not. */
  reopen(): Promise<void>
  close(): Promise<void>
}

/** The first key after all keys that begin with `prefix`, which must contain a byte below 255. */
export function after(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1
  while (last > 0 && prefix[last] === 0xff) last--
  const end = Uint8Array.from(prefix.subarray(0, last + 1))
  end[last] = (end[last] ?? 0) + 1
  return end
}
