import type { Duplex } from 'node:stream'

export const CONTESTANTS = ['scuttleup', 'hypercore', 'ours'] as const
export type ContestantName = (typeof CONTESTANTS)[number]

/** One of the programs that are compared: the same few things asked of each, by its fastest public interface. */
export interface Contestant {
  /** What others have to know before they can ask for its logs; nothing where they learn it from each other. */
  readonly keys: readonly string[]
  /** Resolves when the entry is stored, as the program understands that. */
  append(text: string): Promise<unknown>
  /** The same for many that are there at once. */
  appendAll(texts: readonly string[]): Promise<unknown>
  /** All that is there already. */
  readAll(onEntries: (count: number) => void): Promise<void>
  /** One side of a replication, which goes on with what is appended. */
  replicate(isInitiator: boolean): Duplex
  /** Tells how many entries that others wrote were stored here. */
  onStored(listener: (count: number) => void): void
  /** A live reader: called for each entry that arrives from now on, once its text is there. */
  onText(listener: () => void): void
  close(): Promise<unknown>
}

/** How a database came to be. */
export interface Shape {
  readonly authors: number
  /** How many entries each author wrote. */
  readonly entries: number
  /** Whether they were appended in bulk, or each only when the one before was stored. */
  readonly appended: 'in bulk' | 'singly'
  /** Of ours, whether segments that were written singly were joined since, as they are in the background. */
  readonly areJoined: boolean
}

export interface Program {
  /** `keys` are those of the others whose logs are to be fetched, if the program has to know them. */
  open(directory: string, keys: readonly string[]): Promise<Contestant>
  /** Makes a database, as fast as that goes; the keys by which others know it. */
  fill(directory: string, shape: Shape): Promise<readonly string[]>
}
