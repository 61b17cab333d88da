import { erasureMembers } from '../../src/chat/kinds/erasure.js'
import { type Draft, entryFieldsOf } from '../../src/chat/kinds/kinds.js'
import { type Message, placeOf } from '../../src/chat/kinds/message.js'
import { keyOfPlace, Lines } from '../../src/chat/views/lines.js'
import { UnreadCount } from '../../src/chat/views/unread-count.js'
import { type AuthorId, authorOfLog, logOf, type Run, runOf, type Seq } from '../../src/log/format/author.js'
import type { Digest } from '../../src/log/format/heads.js'
import type { Hlc } from '../../src/log/format/hybrid-clock.js'
import type { Log } from '../../src/log/log.js'
import { Erasures } from '../../src/node/erasures.js'
import { messagesOf } from '../../src/node/room-api.js'
import { between, type Chance, chance } from '../long/chance.js'
import { meet } from './fork-schedule.js'
import { logOver } from './logs.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { keysOfByte } from './signed-world.js'
import { VirtualClock } from './virtual-clock.js'

const EMOJIS = ['👍', '🎉', '❤️']

/** A line that somebody can refer to. */
interface Place {
  readonly author: AuthorId
  readonly run: Run
  readonly seq: Seq
}

interface Said extends Place {
  readonly at: Hlc
}

/** A peer with the logs of a room on a disk in memory. */
class TalkPeer {
  readonly #disk = new MemoryDisk()
  readonly #byte: number
  readonly #isNewKey: boolean
  readonly #clock: VirtualClock
  readonly count = newCount()
  #seen: readonly Digest[] = []
  #log: Log | undefined
  #erasures: Erasures | undefined

  /** `isNewKey`: whether this is the first device of its owner. */
  constructor(byte: number, isNewKey: boolean, clock: VirtualClock) {
    this.#byte = byte
    this.#isNewKey = isNewKey
    this.#clock = clock
  }

  async open(): Promise<this> {
    this.#log = await logOver(new MemoryStore(this.#disk), keysOfByte(this.#byte), {
      clock: this.#clock,
      isNewKey: this.#isNewKey,
    })
    this.#erasures = await Erasures.open(this.#log)
    return this
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error('the peer is closed')
    return this.#log
  }

  async close(): Promise<void> {
    await this.#erasures?.close()
    await this.#log?.close()
  }

  async settled(): Promise<void> {
    await this.#erasures?.settled()
  }

  async say(draft: Draft): Promise<Said> {
    const { author, seq, at } = await this.log.append({ username: 'x', ...entryFieldsOf(draft) })
    return { author: authorOfLog(author), run: runOf(author), seq, at }
  }

  /** Erases a line of ours; false if it is not here yet. */
  async erase({ author, run, seq }: Place): Promise<boolean> {
    const chain = await this.log.chainValueAt(logOf(author, run), seq)
    if (chain !== undefined) await this.log.append(erasureMembers({ run, from: seq, to: seq, chain }))
    return chain !== undefined
  }

  /** The user, who reads nothing, has the chat open: counts what has arrived since the last call. */
  async look(): Promise<void> {
    for await (const entries of this.log.read({ since: this.#seen, gaps: true }))
      for (const message of messagesOf(entries)) this.count.note(message)
    this.#seen = this.log.head
  }

  async messages(): Promise<Message[]> {
    const messages: Message[] = []
    for await (const entries of this.log.read({ gaps: true })) messages.push(...messagesOf(entries))
    return messages
  }

  /** Every byte on the disk. */
  get bytes(): Buffer {
    return Buffer.concat(this.#disk.rows({ gte: new Uint8Array(), lt: Buffer.alloc(64, 255) }, 1e9).flat())
  }
}

const newCount = (): UnreadCount =>
  new UnreadCount({ ourId: '' as AuthorId, isHidden: () => false, isMention: ({ kind }) => kind === 'reply' }, [])

/** What faces of a reader show of these places, and how many messages they have not read. The reader has written nothing. */
function shownBy(messages: readonly Message[], places: readonly Place[]): object {
  const lines = new Lines()
  const unread = newCount()
  for (const message of messages) {
    lines.note(message)
    unread.note(message)
  }
  const shown = places.map(({ author, run, seq }) => {
    const key = keyOfPlace(logOf(author, run), seq)
    return { key, text: lines.textOf(key), edits: lines.editsOf(key).length, reactions: lines.reactionsTo(key) }
  })
  return { unread: unread.unread, mentions: unread.mentions, shown }
}

/** A line as it should be shown in the end. */
interface Expected extends Place {
  readonly texts: (Said & { readonly text: string })[]
  readonly reactions: (Said & { readonly emoji: string; readonly isRemoved: boolean })[]
  readonly isReply: boolean
  isErased: boolean
}

/** Four peers, two of them devices of one person, talk, meet in pairs at random, and restart; in the end all have met. */
async function talkSchedule(
  chance: Chance,
): Promise<{ readonly peers: readonly TalkPeer[]; readonly lines: readonly Expected[] }> {
  const clock = new VirtualClock()
  const peers = await Promise.all([11, 12, 13, 13].map((byte, index) => new TalkPeer(byte, index < 3, clock).open()))
  const lines: Expected[] = []
  const pick = <T>(all: readonly T[]): T | undefined => all[between(chance, 0, all.length)]
  for (let step = between(chance, 8, 24); step > 0; step--) {
    const peer = pick(peers) as TalkPeer
    const line = pick(lines)
    const own = pick(lines.filter(({ author, isErased }) => author === peer.log.author && !isErased))
    const text = `secret-${step}-${between(chance, 1_000_000, 9_000_000)}`
    const act = between(chance, 0, 12)
    if (act <= 2) {
      const isReply = line !== undefined && act === 2
      const place = await peer.say(isReply ? { kind: 'reply', to: placeIn(line), text } : { kind: 'text', text })
      lines.push({ ...place, texts: [{ ...place, text }], reactions: [], isReply, isErased: false })
    } else if (act <= 4 && line !== undefined) {
      const [emoji, isRemoved] = [pick(EMOJIS) ?? '', between(chance, 0, 3) === 0]
      const said = await peer.say({ kind: 'reaction', to: placeIn(line), emoji, isRemoved })
      line.reactions.push({ ...said, emoji, isRemoved })
    } else if (act <= 6 && own !== undefined) {
      const said = await peer.say({ kind: 'edit', to: { run: own.run, seq: own.seq }, text })
      own.texts.push({ ...said, text })
    } else if (act === 7 && own !== undefined) {
      own.isErased = await peer.erase(own)
    } else if (act === 8) {
      await peer.close()
      await peer.open()
    } else {
      const other = pick(peers) as TalkPeer
      if (other !== peer) await meet(peer.log, other.log)
    }
    for (const each of peers) await each.look()
    clock.advance(between(chance, 0, 5))
  }
  for (const [a, b] of ALL_MEETINGS) await meet((peers[a] as TalkPeer).log, (peers[b] as TalkPeer).log)
  for (const peer of peers) await peer.settled()
  for (const peer of peers) await peer.look()
  return { peers, lines }
}

/** After these meetings every peer has what any of them had. */
const ALL_MEETINGS = [
  [0, 1],
  [2, 3],
  [0, 2],
  [1, 3],
  [0, 1],
  [2, 3],
] as const

const placeIn = ({ author, run, seq }: Place): Place => ({ author, run, seq })

const byOrder = (a: Said, b: Said): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.run - b.run || a.seq - b.seq)

/** The authors of the reactions that are left, by emoji. */
function reactionsLeft(line: Expected): Map<string, AuthorId[]> {
  const latest = new Map(
    [...line.reactions].sort(byOrder).map(reaction => [`${reaction.author} ${reaction.emoji}`, reaction]),
  )
  const authors = new Map<string, AuthorId[]>()
  for (const { author, emoji, isRemoved } of latest.values())
    if (!isRemoved) authors.set(emoji, [...(authors.get(emoji) ?? []), author])
  return authors
}

/** What faces should show in the end. */
function expectedOf(lines: readonly Expected[]): object {
  const left = lines.filter(({ isErased }) => !isErased)
  const shown = lines.map(line => {
    const { author, run, seq, texts, isErased } = line
    return {
      key: keyOfPlace(logOf(author, run), seq),
      ...(!isErased && { text: [texts[0], ...texts.slice(1).sort(byOrder)].at(-1)?.text }),
      edits: isErased ? 0 : texts.length - 1,
      reactions: isErased
        ? []
        : [...reactionsLeft(line)]
            .map(([emoji, authors]) => ({ emoji, authors: authors.sort() }))
            .sort((a, b) => b.authors.length - a.authors.length || (a.emoji < b.emoji ? -1 : 1)),
    }
  })
  return { unread: left.length, mentions: left.filter(({ isReply }) => isReply).length, shown }
}

/**
 * What is wrong after a schedule: peers that show something else than the others, in the order of the conversation or in another one, or
 * than they should; or that still have an erased text.
 */
export async function talkFault(seed: number): Promise<string | undefined> {
  const random = chance(seed)
  const { peers, lines } = await talkSchedule(random)
  const views: string[] = []
  for (const peer of peers) {
    const messages = await peer.messages()
    // Readers get each log in order, and the logs in any.
    const logs = [...new Set(messages.map(message => placeOf(message).author))].sort(() => random() - 0.5)
    const live = logs.flatMap(log => messages.filter(message => placeOf(message).author === log))
    views.push(JSON.stringify(shownBy(messages, lines)), JSON.stringify(shownBy(live, lines)))
  }
  const erased = lines.filter(({ isErased }) => isErased).flatMap(({ texts }) => texts.map(({ text }) => text))
  for (const peer of peers) {
    const left = erased.find(text => peer.bytes.includes(text))
    if (left !== undefined) return `${left} was erased, and is still on a disk`
    for await (const { fault } of peer.log.verifyAll(undefined)) if (fault !== undefined) return `verify: ${fault.kind}`
  }
  for (const peer of peers) await peer.close()
  const expected = JSON.stringify(expectedOf(lines))
  const { unread, mentions } = JSON.parse(expected)
  const counts = peers.map(({ count }) => `${count.unread}, ${count.mentions}`)
  const wrong = views.find(view => view !== expected) ?? counts.find(each => each !== `${unread}, ${mentions}`)
  return wrong === undefined ? undefined : `shows ${wrong}, not ${expected}`
}
