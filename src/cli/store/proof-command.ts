import { ChatError } from '../../base/errors.js'
import { equalsIgnoringCase } from '../../base/names.js'
import { messageOf } from '../../chat/kinds/message.js'
import { type AuthorId, authorOfLog, isBranch, isSigned, type LogId, runOf, type Seq } from '../../log/format/author.js'
import { encodeExcerpt } from '../../log/format/excerpt.js'
import { isStub } from '../../log/format/packed.js'
import { lastOf, type Segment } from '../../log/format/segment.js'
import type { Log } from '../../log/log.js'
import type { Pins } from '../../node/people/pins.js'
import { info, write } from '../../ui/lines/output.js'
import { DONE } from '../exit-code.js'
import { type Where, withCopy } from './stored-logs.js'

/** Largest number of entries in one proof. */
const ENTRIES_MAX = 100_000
/** The beginning of a key, which identifies an author. */
const KEY_START = /^[0-9a-f]{8,64}$/

interface ProofRange {
  readonly author: string
  /** `3..12` */
  readonly range: string
  /** The run of the author; undefined: the last run that has all of these entries. */
  readonly run: number | undefined
}

/** `persisted-chat proof <me> <room> <author> <from>..<to>`: writes a file to stdout that `verify` checks anywhere. */
export async function writeProof(where: Where, { author, range, run }: ProofRange): Promise<number> {
  const [, from = 0, to = 0] = (/^([1-9]\d{0,9})\.\.([1-9]\d{0,9})$/.exec(range) ?? []).map(Number)
  if (from === 0 || to < from || to - from >= ENTRIES_MAX)
    throw new ChatError('BAD_USAGE', `${JSON.stringify(range)} is not a range of entries`, {
      hint: `Write it as 3..12, at most ${ENTRIES_MAX.toLocaleString('en')} entries: a line with the label b12 is entry 12 of its author.`,
    })
  if (process.stdout.isTTY)
    throw new ChatError('BAD_USAGE', 'a proof is binary data, and stdout is a terminal', {
      hint: 'Redirect stdout to a file.',
    })
  return withCopy(where, async ({ log }, { home, pins }) => {
    const found = await logWith(log, await authorCalled(log, pins, author), { from, to, run })
    const segments = await segmentsOf(log, found, from, to)
    await write(process.stdout, encodeExcerpt(home.roomId, segments, from, to))
    info(`entries ${from} to ${to} of ${authorOfLog(found)}: anybody can check the file with persisted-chat verify`)
    return DONE
  })
}

/** The author with a name, or with a key that begins with these digits. */
async function authorCalled(log: Log, pins: Pins, text: string): Promise<AuthorId> {
  const authors = new Set(log.head.flatMap(({ author }) => (isSigned(author) ? authorOfLog(author) : [])))
  const called = new Set(pins.known.pins.flatMap(({ name, key }) => (equalsIgnoringCase(name, text) ? key : [])))
  if (called.size === 0) for (const author of await writingAs(log, text)) called.add(author)
  const keyed = KEY_START.test(text) ? [...authors].filter(author => author.startsWith(text)) : []
  const [one, ...others] = new Set([...keyed, ...[...called].filter(author => authors.has(author))])
  if (one !== undefined && others.length === 0) return one
  throw new ChatError(
    'BAD_USAGE',
    `${others.length === 0 ? 'nobody' : 'more than one person'} here is called ${text}`,
    {
      hint: 'Name the author by their key, as /whois shows it, or the first 8 digits of it.',
    },
  )
}

/** The authors whose latest message has a name. */
async function writingAs(log: Log, name: string): Promise<ReadonlySet<AuthorId>> {
  const found = new Set<AuthorId>()
  const since = log.head.map(({ author, seq }) => ({ author, seq: Math.max(0, seq - 1) }))
  for await (const entries of log.read({ since }))
    for (const { author, username } of entries.flatMap(entry => messageOf(entry) ?? []))
      if (equalsIgnoringCase(username, name)) found.add(author)
  return found
}

async function logWith(
  log: Log,
  author: AuthorId,
  { from, to, run }: { readonly from: Seq; readonly to: Seq; readonly run: number | undefined },
): Promise<LogId> {
  const logs = log.head.filter(
    each =>
      authorOfLog(each.author) === author &&
      !isBranch(each.author) &&
      (run ?? runOf(each.author)) === runOf(each.author),
  )
  const found = logs.filter(({ seq }) => seq >= to).sort((a, b) => runOf(b.author) - runOf(a.author))[0]
  if (found !== undefined) return found.author
  const ends = logs.map(({ author: each, seq }) => `${seq}${runOf(each) === 0 ? '' : ` in run ${runOf(each)}`}`)
  throw new ChatError('BAD_USAGE', `entries ${from} to ${to} of this author are not here`, {
    hint: ends.length === 0 ? 'There is no such run.' : `Their log ends with entry ${ends.join(', ')}.`,
  })
}

/** The segments that cover these entries, with their contents. */
async function segmentsOf(log: Log, author: LogId, from: Seq, to: Seq): Promise<Segment[]> {
  const segments: Segment[] = []
  for (let seq = from; seq <= to; ) {
    const segment = await log.segmentAt(author, seq)
    if (segment === undefined)
      throw new ChatError('LOG_CORRUPT', `entry ${seq} is missing or damaged on this disk`, {
        hint: 'persisted-chat verify says more.',
      })
    const contents = await log.contents.read(author, { from: segment.first, to: lastOf(segment) + 1 })
    segments.push({
      ...segment,
      key: segment.key,
      entries: segment.entries.map((entry, index) => (isStub(entry) ? (contents[index] ?? entry) : entry)),
    })
    seq = lastOf(segment) + 1
  }
  return segments
}
