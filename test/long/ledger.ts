import path from 'node:path'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../../src/base/crypto/signing.js'
import { reasonOf } from '../../src/base/errors.js'
import type { LogId, Seq } from '../../src/log/format/author.js'
import { decodeEntry } from '../../src/log/format/entry.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import { EVENT_KINDS } from '../../src/node/events.js'
import { logIn } from '../helper/logs.js'
import { textOf, tokenOf } from './chance.js'

/** An author without a key, whose entries alice received from a scuttleup peer. */
export const CAROL = 'carol' as LogId

export type Who = 'alice' | 'bob'
const EVERYONE: readonly Who[] = ['alice', 'bob']

/** Key pairs. As in the program, databases contain no keys. */
export const keysOf = (who: string): KeyPair => keyPairOf(Buffer.alloc(SEED_BYTES, who))

/** Result of one check of the disk. */
export interface Findings {
  /** Acknowledged entries that are missing. */
  readonly lost: number
  /** All other faults. */
  readonly faults: readonly string[]
}

/** The entries acknowledged to the writer, over all its runs on the same databases. */
export class Ledger {
  readonly #appended = { alice: new Map<Seq, string>(), bob: new Map<Seq, string>() }
  readonly #persisted = { alice: new Map<LogId, Seq>(), bob: new Map<LogId, Seq>() }
  readonly #faults: string[] = []
  #acknowledged = 0
  #afterwards = 0

  /** Number of resolved appends. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Reads one line that the writer printed. */
  take(line: string): void {
    const [what, who, a = '', b = ''] = line.split(' ')
    if (what === 'appended') this.#noteAppended(who as Who, Number(a), b)
    if (what === 'persisted') {
      const persisted = this.#persisted[who as Who]
      persisted.set(a as LogId, Math.max(persisted.get(a as LogId) ?? 0, Number(b)))
    }
    if (what === 'problem') this.#faults.push(line)
  }

  /** Opens both databases, compares their entries with the acknowledged entries, and appends one more entry to each. */
  async check(data: string): Promise<Findings> {
    const faults = this.#faults.splice(0)
    let lost = 0
    const logs = new Map<Who, ReadonlyMap<LogId, readonly Uint8Array[]>>()
    const ids = new Map<Who, LogId>()
    for (const who of EVERYONE) {
      try {
        const log = await logIn(path.join(data, who), { keys: keysOf(who) })
        try {
          log.on('event', event => {
            if (EVENT_KINDS[event.kind] === 'problem') faults.push(`${who} reports: ${JSON.stringify(event)}`)
          })
          const entries = await read(log, who, faults)
          logs.set(who, entries)
          ids.set(who, log.id)
          lost += this.#lost(who, log.id, entries)
          faults.push(...textFaults(who, log.id, entries))
          await this.#appendOneMore(who, log, entries.get(log.id)?.length ?? 0, faults)
        } finally {
          await log.close()
        }
      } catch (error) {
        const promised = this.#appended[who].size + this.#persisted[who].size
        lost += promised
        if (promised > 0 || !(await isMended(path.join(data, who))))
          faults.push(`${who}'s logs cannot be read, ${promised} entries in them: ${reasonOf(error)}`)
      }
    }
    for (const who of EVERYONE) {
      const other = who === 'alice' ? 'bob' : 'alice'
      faults.push(...copyFaults(ids.get(who), logs.get(who), logs.get(other), `${other}'s copy of ${who}'s log`))
    }
    return { lost, faults }
  }

  #noteAppended(who: Who, seq: Seq, token: string): void {
    const before = this.#appended[who].get(seq)
    if (before !== undefined) this.#faults.push(`${who}'s entry ${seq} was given out twice: ${before}, ${token}`)
    this.#appended[who].set(seq, token)
    this.#acknowledged++
  }

  #lost(who: Who, own: LogId, entries: ReadonlyMap<LogId, readonly Uint8Array[]>): number {
    let lost = 0
    for (const [seq, token] of this.#appended[who]) {
      const entry = entries.get(own)?.[seq - 1]
      if (entry === undefined || decodeEntry(entry)?.message !== textOf(token)) lost++
    }
    for (const [author, seq] of this.#persisted[who]) {
      if (author !== own) lost += Math.max(0, seq - (entries.get(author)?.length ?? 0))
    }
    return lost
  }

  async #appendOneMore(who: Who, log: Log, last: Seq, faults: string[]): Promise<void> {
    const token = `after-${this.#afterwards++}-${who}`
    const { seq } = await log.append({ username: who, message: textOf(token) })
    if (seq !== last + 1) faults.push(`${who}'s next entry is ${seq}, behind ${last}`)
    this.#noteAppended(who, seq, token)
  }
}

/**
 * A power cut while LevelDB creates a database can leave a database that it cannot open. It is still empty, and is repaired as by the
 * program.
 */
async function isMended(directory: string): Promise<boolean> {
  try {
    await (await LevelStore.openOrRepair(directory, () => {})).close()
    return true
  } catch {
    return false
  }
}

async function read(log: Log, who: string, faults: string[]): Promise<Map<LogId, Uint8Array[]>> {
  const entries = new Map<LogId, Uint8Array[]>(log.head.map(({ author }) => [author, []]))
  let at = ''
  for await (const batch of log.read()) {
    for (const { author, seq, at: next, entry } of batch) {
      const log = entries.get(author)
      if (log?.push(entry) !== seq) faults.push(`${who} has entry ${seq} of ${author} out of order`)
      if (next < at) faults.push(`${who} shows entry ${seq} of ${author} in the wrong place`)
      at = next
    }
  }
  for (const { author, seq } of log.head) {
    const read = entries.get(author)?.length ?? 0
    if (read !== seq) faults.push(`${who} has ${seq} entries of ${author}, and shows ${read}`)
    const { last, fault } = await log.verify(author)
    if (fault !== undefined || last !== seq)
      faults.push(`${who}'s log of ${author} holds up to ${last} of ${seq}: ${fault}`)
  }
  return entries
}

/** Checks that every entry is complete and occurs once. */
function textFaults(who: string, own: LogId, logs: ReadonlyMap<LogId, readonly Uint8Array[]>): string[] {
  const faults: string[] = []
  for (const [author, entries] of logs) {
    const tokens = new Set<string>()
    entries.forEach((entry, index) => {
      const token = tokenOf(decodeEntry(entry)?.message ?? '')
      const isRight =
        token !== undefined && !tokens.has(token) && (author === CAROL ? token === `carol-${index + 1}` : true)
      if (!isRight) faults.push(`${who}'s entry ${index + 1} of ${author === own ? 'its own' : author}: ${token}`)
      if (token !== undefined) tokens.add(token)
    })
  }
  return faults
}

/** Checks that no database has more entries of a log than its author's database, or different entries. */
function copyFaults(
  author: LogId | undefined,
  own: ReadonlyMap<LogId, readonly Uint8Array[]> | undefined,
  others: ReadonlyMap<LogId, readonly Uint8Array[]> | undefined,
  what: string,
): string[] {
  if (author === undefined || own === undefined || others === undefined) return []
  const copy = others.get(author) ?? []
  const original = own.get(author) ?? []
  if (copy.length > original.length) return [`${what} has ${copy.length} entries, and that has ${original.length}`]
  const wrong = copy.findIndex((entry, index) => Buffer.compare(entry, original[index] ?? new Uint8Array(0)) !== 0)
  return wrong === -1 ? [] : [`${what} differs at entry ${wrong + 1}`]
}
