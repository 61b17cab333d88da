import { pipeline } from 'node:stream'
import { SeededRandom } from '../../src/base/seeded-random.js'
import type { LogId } from '../../src/log/format/author.js'
import { packEntry } from '../../src/log/format/packed.js'
import type { Log } from '../../src/log/log.js'
import { Violation } from '../../src/sim/world/world.js'
import { logOver, replicate, replicatorOf } from './logs.js'
import { MemoryStore } from './memory-store.js'
import { alice, bob, carol, keysOfByte, saltOf } from './signed-world.js'
import { VirtualClock } from './virtual-clock.js'

const LINES = 20
const TURNS = 120

/**
 * An author, a holder that drops content, and a reader that first connects to a Byzantine peer. The reader fetches the author's content
 * from the peers that have it; only peers with the content give receipts; dropped content stays dropped.
 */
export async function contentsRun(seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const clock = new VirtualClock()
  const [author, holder, liar, reader] = await Promise.all(
    [alice, bob, carol, keysOfByte(4)].map(keys => logOver(new MemoryStore(), keys, { clock })),
  )
  if (author === undefined || holder === undefined || liar === undefined || reader === undefined) return
  await author.close()
  // The author goes on in another run, so that there is a control entry.
  const writer = await logOver(new MemoryStore(), alice, { clock, isNewKey: false })
  for (let line = 0; line < LINES; line++) await writer.append({ username: 'alice', message: `line ${line}` })
  const { id } = writer
  await meet(writer, holder)
  await meet(writer, liar)
  const from = random.whole(1, 5)
  const to = random.whole(from + 2, LINES)
  await holder.contents.drop(id, { from, to }, 'deleted')
  await liar.contents.drop(id, { from: 1, to: LINES + 2 }, 'kept-out')
  lie(liar, id)
  check(
    (await textsOf(holder)).length === LINES - (to - Math.max(from, 2)),
    'a holder dropped other content than it should',
  )
  check((await holder.entry(id, 1)) !== undefined, 'a control entry was dropped')

  await meet(reader, liar)
  check(
    (await textsOf(reader)).every(text => /^line \d+$/.test(text)),
    'content of a liar was stored',
  )
  await meet(reader, holder)
  await meet(reader, writer)
  check((await textsOf(reader)).length === LINES, 'content that a peer has was not fetched')
  await meet(holder, reader)
  await meet(holder, writer)
  check((await textsOf(holder)).length === LINES - (to - Math.max(from, 2)), 'dropped content came back')
  const { receipts } = replicatorOf(writer)
  const isReceived = (seq: number): boolean => receipts.of({ author: id, seq }).left > 0
  await meet(writer, holder)
  for (let seq = 2; seq <= LINES + 1; seq++) {
    const has = (await holder.entry(id, seq)) !== undefined
    const others = (await reader.entry(id, seq)) !== undefined
    check(isReceived(seq) || !(has || others), `line ${seq} is on other disks, and is not received`)
  }
  const alone = await logOver(new MemoryStore(), alice, { clock, isNewKey: false })
  for await (const relayed of writer.relay()) if (relayed.kind === 'segments') await meet(writer, alone)
  await meet(alone, holder)
  const { receipts: fewer } = replicatorOf(alone)
  for (let seq = 2; seq <= LINES + 1; seq++) {
    const has = (await holder.entry(id, seq)) !== undefined
    check(
      fewer.of({ author: id, seq }).left - 1 === (has ? 1 : 0),
      `line ${seq} counts as received without its content`,
    )
  }
  for (const log of [writer, holder, liar, reader, alone]) await log.close()
}

function check(isRight: boolean, what: string): void {
  if (!isRight) throw new Violation([what], '')
}

/** A Byzantine peer: claims to have all content, and sends texts that are not the author's. */
function lie(liar: Log, log: LogId): void {
  Object.defineProperty(liar.contents, 'gaps', { value: () => [] })
  const read = liar.contents.read.bind(liar.contents)
  Object.defineProperty(liar.contents, 'read', {
    value: async (asked: LogId, range: { from: number; to: number }) => {
      const entries = await read(asked, range)
      if (asked !== log) return entries
      return entries.map((_, index) => {
        const at = '9999999999999.0000'
        return packEntry(saltOf(1), Buffer.from(JSON.stringify({ at, username: 'alice', message: `forged ${index}` })))
      })
    },
  })
}

async function meet(a: Log, b: Log): Promise<void> {
  const [one, two] = [
    replicate(a, { dialect: 'native', live: true, replica: b.author, peer: b.author }),
    replicate(b, { dialect: 'native', live: true, replica: a.author, peer: a.author }),
  ]
  pipeline(one, two, one, () => {})
  for (let turn = 0; turn < TURNS; turn++) await new Promise(resolve => setImmediate(resolve))
  one.destroy()
  two.destroy()
  await new Promise(resolve => setImmediate(resolve))
}

async function textsOf(log: Log): Promise<string[]> {
  const texts: string[] = []
  for await (const entries of log.read())
    for (const { entry } of entries) {
      const { message } = JSON.parse(Buffer.from(entry).toString()) as { message: string }
      if (message !== '') texts.push(message)
    }
  return texts
}
