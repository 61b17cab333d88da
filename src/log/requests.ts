import type { Clock, Millis } from '../base/clock.js'
import { bufferOf, concat, EMPTY, hexOf, utf8 } from '../base/wire/bytes.js'
import type { Seq } from './format/author.js'
import type { RequestId } from './request-id.js'
import { checked, unchecked } from './store/checked-row.js'
import type { CommitQueue } from './store/commit-queue.js'
import { after, type Put, type Range, type Store } from './store/store.js'

const REQUESTS = utf8('q')
const ALL_REQUESTS: Range = { gte: REQUESTS, lt: after(REQUESTS) }
const NUMBER_BYTES = 4
const SEQ_BYTES = 4
const TIME_BYTES = 6
const COUNT_BYTES = 4
const VALUE_BYTES = SEQ_BYTES + TIME_BYTES + COUNT_BYTES

/** Consecutive requests of one client whose entries are consecutive too: one row answers them all. */
export interface RequestRun extends RequestId {
  /** The entry of the first request. */
  readonly seq: Seq
  count: number
}

/** Adds a request to the runs of a commit. */
export function addRequest(runs: RequestRun[], { client, number }: RequestId, seq: Seq): void {
  const last = runs.at(-1)
  const isNext = last?.client === client && last.number + last.count === number && last.seq + last.count === seq
  if (isNext) last.count++
  else runs.push({ client, number, seq, count: 1 })
}

function requestKey({ client, number }: RequestId): Uint8Array {
  const end = Buffer.alloc(NUMBER_BYTES)
  end.writeUInt32BE(number)
  return concat([REQUESTS, client, end])
}

function requestRow(run: RequestRun, now: Millis): Put {
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeUInt32BE(run.seq)
  value.writeUIntBE(Math.max(0, now), SEQ_BYTES, TIME_BYTES)
  value.writeUInt32BE(run.count, SEQ_BYTES + TIME_BYTES)
  return { type: 'put', key: requestKey(run), value: checked(value) }
}

interface Answer {
  readonly seq: Seq
  readonly time: Millis
  /** How many requests the row answers. */
  readonly count: number
}

/** The content of a row; undefined if it is damaged. */
function answerIn(value: Uint8Array): Answer | undefined {
  const bytes = bufferOf(unchecked(value) ?? EMPTY)
  if (bytes.length !== VALUE_BYTES) return undefined
  return {
    seq: bytes.readUInt32BE(),
    time: bytes.readUIntBE(SEQ_BYTES, TIME_BYTES),
    count: bytes.readUInt32BE(SEQ_BYTES + TIME_BYTES),
  }
}

/** Requests whose entries are stored. They are remembered until their clients acknowledge the answers. */
export class Requests {
  readonly #store: Store
  readonly #queue: CommitQueue
  readonly #clock: Clock
  /** The runs of each client that have a row, in order. */
  readonly #runs = new Map<string, Pick<RequestRun, 'number' | 'count'>[]>()

  constructor(store: Store, queue: CommitQueue, clock: Clock) {
    this.#store = store
    this.#queue = queue
    this.#clock = clock
  }

  /** The rows that answer repeated requests; to be written in the commit of the entries. docs/protocol/storage.md §4.2. */
  rows(runs: readonly RequestRun[]): Put[] {
    const now = this.#clock.now()
    return runs.map(run => {
      this.#note(run)
      return requestRow(run, now)
    })
  }

  /** The seqs of the entries that a client's requests appended, by request number. */
  async answered(client: Uint8Array): Promise<Map<number, Seq>> {
    const prefix = concat([REQUESTS, client])
    const seqs = new Map<number, Seq>()
    this.#runs.delete(hexOf(client))
    for await (const rows of this.#store.pages({ gte: prefix, lt: after(prefix) })) {
      for (const [key, value] of rows) {
        const answer = answerIn(value)
        if (key.length !== prefix.length + NUMBER_BYTES || answer === undefined) continue
        const number = bufferOf(key).readUInt32BE(prefix.length)
        this.#note({ client, number, count: answer.count })
        for (let index = 0; index < answer.count; index++) seqs.set(number + index, answer.seq + index)
      }
    }
    return seqs
  }

  /**
   * A client acknowledged its requests up to a number: with the next commit, deletes each row whose requests are all acknowledged.
   * `forgetBefore` deletes rows that are never acknowledged.
   */
  forget({ client, number: upTo }: RequestId): void {
    const runs = this.#runs.get(hexOf(client)) ?? []
    for (let run = runs[0]; run !== undefined && run.number + run.count - 1 <= upTo; run = runs[0]) {
      this.#delete(requestKey({ client, number: run.number }))
      runs.shift()
    }
    if (runs.length === 0) this.#runs.delete(hexOf(client))
  }

  /** Deletes the rows of requests from before `time`, which their clients no longer repeat. */
  async forgetBefore(time: Millis): Promise<void> {
    for await (const rows of this.#store.pages(ALL_REQUESTS)) {
      for (const [key, value] of rows) {
        const answer = answerIn(value)
        if (answer === undefined || answer.time < time) this.#delete(key)
      }
    }
  }

  #note({ client, number, count }: Pick<RequestRun, 'client' | 'number' | 'count'>): void {
    const runs = this.#runs.get(hexOf(client)) ?? []
    this.#runs.set(hexOf(client), runs)
    runs.push({ number, count })
  }

  #delete(key: Uint8Array): void {
    const name = bufferOf(key).toString('latin1')
    this.#queue.defer({ name, isDeferrable: true, write: () => ({ type: 'del', key }) })
  }
}
