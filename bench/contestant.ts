import type { Duplex } from 'node:stream'

export const CONTESTANTS = ['scuttleup', 'hypercore', 'ours'] as const
export type ContestantName = (typeof CONTESTANTS)[number]

/** A compared program, driven through its fastest public interface. */
export interface Contestant {
  /** Keys that other processes need to fetch its logs; empty if peers exchange them. */
  readonly keys: readonly string[]
  /** Resolves when the entry is stored, in the sense of that program. */
  append(text: string): Promise<unknown>
  /** Appends many entries at once. */
  appendAll(texts: readonly string[]): Promise<unknown>
  /** Reads everything that is stored. */
  readAll(onEntries: (count: number) => void): Promise<void>
  /** One side of a live replication. */
  replicate(isInitiator: boolean): Duplex
  /** Calls `listener` with the number of replicated entries as they are stored. */
  onStored(listener: (count: number) => void): void
  /** A live reader: calls `listener` for each new entry once its text can be read. */
  onText(listener: () => void): void
  close(): Promise<unknown>
}

/** How a database is filled. */
export interface Shape {
  readonly authors: number
  /** Entries of each author. */
  readonly entries: number
  /** In bulk, or each entry only after the one before it was stored. */
  readonly appended: 'in bulk' | 'singly'
  /** Ours only: whether the background task has joined the segments of single entries. */
  readonly areJoined: boolean
}

export interface Program {
  /** `keys` are those of the logs to fetch, for programs that need them. */
  open(directory: string, keys: readonly string[]): Promise<Contestant>
  /** Fills a database as fast as possible. Resolves with its keys. */
  fill(directory: string, shape: Shape): Promise<readonly string[]>
}
