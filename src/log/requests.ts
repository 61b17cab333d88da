import type { Millis } from '../base/clock.js'
import { bufferOf, concat, utf8 } from '../base/wire/bytes.js'
import type { Seq } from './format/author.js'
import type { RequestId } from './request-id.js'
import type { CommitQueue } from './store/commit-queue.js'
import { after, type Put, type Range, type Store } from './store/store.js'

const REQUESTS = utf8('q')
const ALL_REQUESTS: Range = { gte: REQUESTS, lt: after(REQUESTS) }
const NUMBER_BYTES = 4
const SEQ_BYTES = 4
const TIME_BYTES = 6

function requestKey({ client, number }: RequestId): Uint8Array {
  const end = Buffer.alloc(NUMBER_BYTES)
  end.writeUInt32BE(number)
  return concat([REQUESTS, client, end])
}

/** The row that answers a repeated request; written in the same commit as the entry. docs/protocol/storage.md §4.2. */
export function requestRow(id: RequestId, seq: Seq, now: Millis): Put {
  const value = Buffer.alloc(SEQ_BYTES + TIME_BYTES)
  value.writeUInt32BE(seq)
  value.writeUIntBE(Math.max(0, now), SEQ_BYTES, TIME_BYTES)
  return { type: 'put', key: requestKey(id), value }
}

/** Requests whose entries are stored, kept until their clients acknowledge the answers. */
export class Requests {
  readonly #store: Store
  readonly #queue: CommitQueue

  constructor(store: Store, queue: CommitQueue) {
    this.#store = store
    this.#queue = queue
  }

  /** The seqs of the entries that a client's requests appended, by request number. */
  async answered(client: Uint8Array): Promise<Map<number, Seq>> {
    const prefix = concat([REQUESTS, client])
    const seqs = new Map<number, Seq>()
    for await (const rows of this.#store.pages({ gte: prefix, lt: after(prefix) })) {
      for (const [key, value] of rows) {
        if (key.length !== prefix.length + NUMBER_BYTES || value.length !== SEQ_BYTES + TIME_BYTES) continue
        seqs.set(bufferOf(key).readUInt32BE(prefix.length), bufferOf(value).readUInt32BE())
      }
    }
    return seqs
  }

  /** Deletes the row of an acknowledged request with the next commit. If that never happens, `forgetBefore` deletes it. */
  forget(id: RequestId): void {
    this.#delete(requestKey(id))
  }

  /** Deletes the rows of requests from before `time`, which their clients no longer repeat. */
  async forgetBefore(time: Millis): Promise<void> {
    for await (const rows of this.#store.pages(ALL_REQUESTS)) {
      for (const [key, value] of rows) {
        const isWhole = value.length === SEQ_BYTES + TIME_BYTES
        if (!isWhole || bufferOf(value).readUIntBE(SEQ_BYTES, TIME_BYTES) < time) this.#delete(key)
      }
    }
  }

  #delete(key: Uint8Array): void {
    const name = bufferOf(key).toString('latin1')
    this.#queue.defer({ name, isDeferrable: true, write: () => ({ type: 'del', key }) })
  }
}
