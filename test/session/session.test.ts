import assert from 'node:assert/strict'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import type { Draft } from '../../src/chat/kinds/kinds.js'
import { type Message, placeOf } from '../../src/chat/kinds/message.js'
import type { Present } from '../../src/chat/presence/present.js'
import { type AuthorId, type LogId, logOf, type Seq } from '../../src/log/format/author.js'
import type { Digest } from '../../src/log/format/heads.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import type { ReadOptions } from '../../src/log/options.js'
import type { KnownSet } from '../../src/node/people/pin.js'
import type { Companion } from '../../src/node/room-api.js'
import type { SavedView } from '../../src/session/saved-view.js'
import { Session, type SessionRoom, STRANGERS } from '../../src/session/session.js'
import type { OwnPlace } from '../../src/sync/receipts.js'
import { partsOf, statusRow } from '../../src/ui/terminal/status-bar.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const [ALICE, BOB, CAROL] = ['a', 'b', 'c'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]

const NOTHING: SavedView = {
  leftAt: undefined,
  hidden: new Set(),
  companions: new Map(),
  topic: undefined,
  draft: { text: '', pid: undefined },
}

const said = (author: AuthorId, seq: Seq, username: string, more: Partial<Message> = {}): Message =>
  ({
    author,
    run: 0,
    seq,
    username,
    message: `line ${seq}`,
    kind: 'text',
    at: hlcAt(1_000 + seq),
    timeMs: 1_000 + seq,
    isVerified: true,

    ...more,
  }) as Message

const present = (author: AuthorId, name: string): Present => ({
  author,
  name,
  state: 'connected',
  away: undefined,
  isTyping: false,
  lastHeardMs: 0,
  hops: 1,
})

/** A room in memory, which notes what is done to it. */
class FakeRoom {
  readonly me = 'alice'
  readonly id = ALICE
  readonly said: Draft[] = []
  readonly away: (string | undefined)[] = []
  people: KnownSet = { pins: [], addressed: [] }
  readonly addressees: AuthorId[] = []
  presence: Present[] = []
  readonly connectionSummary = { connected: [], dialing: [] }
  readonly unsavedCount = 0
  readonly room = 'lobby'
  isBroken = false

  readonly stored: readonly Message[]

  constructor(stored: readonly Message[]) {
    this.stored = stored
  }

  get heads(): Digest[] {
    const heads = new Map<LogId, Seq>()
    for (const { author, seq } of this.stored.map(placeOf)) heads.set(author, Math.max(seq, heads.get(author) ?? 0))
    const ours = logOf(ALICE)
    if (this.said.length > 0) heads.set(ours, (heads.get(ours) ?? 0) + this.said.length)
    return [...heads].map(([author, seq]) => ({ author, seq }))
  }

  async *batches({ since = [] }: ReadOptions): AsyncGenerator<readonly Message[]> {
    const known = new Map(since.map(({ author, seq }) => [author, seq]))
    yield this.stored.filter(message => message.seq > (known.get(placeOf(message).author) ?? 0))
  }

  async say(draft: Draft): Promise<void> {
    if (this.isBroken) throw new ChatError('LOG_READ_ONLY', 'not said')
    this.said.push(draft)
  }

  addressed(author: AuthorId): void {
    this.addressees.push(author)
  }

  setAway(text: string | undefined): void {
    this.away.push(text)
  }

  readonly readMarks = new Map<LogId, Seq>()
  readonly passed = new Map()

  markRead(marks: readonly Digest[]): void {
    for (const { author, seq } of marks) this.readMarks.set(author, Math.max(seq, this.readMarks.get(author) ?? 0))
  }

  get lastPlace(): OwnPlace | undefined {
    const seq = this.heads.find(({ author }) => author === logOf(ALICE))?.seq
    return seq === undefined ? undefined : { run: 0, seq }
  }

  /** Who came by the connection of whom. */
  companions: Companion[] = []

  companionsOf = async (authors: readonly AuthorId[]) => this.companions.filter(({ of }) => authors.includes(of))

  replicasOf = ({ seq }: OwnPlace) => ({ on: seq, of: 9, left: 0 })
}

/** `read`: how far the user has read bob's log. */
function world(stored: readonly Message[] = [], { read, ...view }: Partial<SavedView> & { read?: Seq } = {}) {
  const room = new FakeRoom(stored)
  if (read !== undefined) room.markRead([{ author: logOf(BOB), seq: read }])
  const session = new Session(room as unknown as SessionRoom, { ...NOTHING, ...view }, new VirtualClock())
  return { room, session }
}

test('keeps the name that the user used last, and writes under it', async () => {
  const { room, session } = world([said(ALICE, 1, 'alice'), said(ALICE, 2, 'al'), said(BOB, 1, 'bob')])
  assert.equal(session.nick, 'alice')
  await session.readLatest()
  assert.equal(session.nick, 'al')
  await session.say({ kind: 'text', text: 'hello' })
  assert.deepEqual(room.said, [{ kind: 'text', text: 'hello', username: 'al' }])
})

test('changes the name, unless someone else uses it', async () => {
  const { room, session } = world([said(BOB, 1, 'bob')])
  await session.readLatest()
  assert.ok(session.isTaken('BOB'))
  assert.ok(!session.isTaken('al'))
  await session.say(session.changeNick('al'))
  await session.say({ kind: 'action', text: 'waves' })
  assert.deepEqual(room.said, [
    { kind: 'nick', before: 'alice', name: 'al', username: 'al' },
    { kind: 'action', text: 'waves', username: 'al' },
  ])
})

test('saying something ends an absence', async () => {
  const { room, session } = world()
  const changes: boolean[] = []
  session.on('away', isAway => changes.push(isAway))
  session.setAway(undefined)
  session.setAway('lunch')
  await session.say({ kind: 'text', text: 'hello' })
  assert.deepEqual([room.away, changes, session.isAway], [['lunch', undefined], [true, false], false])
})

test('reports the delivery of what was said in this session only', async () => {
  const { session } = world([said(ALICE, 4, 'alice')])
  assert.equal(session.delivery, undefined)
  await session.say({ kind: 'text', text: 'hello' })
  assert.deepEqual(session.delivery, { on: 5, of: 9, left: 0 })
})

test('passes on why something could not be said', async () => {
  const { room, session } = world()
  room.isBroken = true
  await assert.rejects(session.say({ kind: 'text', text: 'hello' }), { code: 'LOG_READ_ONLY' })
})

test('finds the topic in what the user has not seen, and follows it', async () => {
  const topic = (seq: Seq, text: string): Message => said(BOB, seq, 'bob', { kind: 'topic', topic: text })
  const view = { topic: { text: 'tea', at: hlcAt(1) }, read: 1 }
  const { session } = world([topic(1, 'seen'), topic(2, 'coffee')], view)
  assert.equal(session.topic, 'tea')
  await session.findTopic(new AbortController().signal)
  assert.equal(session.topic, 'coffee')
  session.note(topic(3, ''))
  assert.equal(session.topic, '')
  assert.deepEqual(session.saved.topic, { text: '', at: hlcAt(1_003) })
})

test('finds people by the names in their messages, or by their presence', () => {
  const { room, session } = world()
  session.note(said(BOB, 1, 'bob'))
  room.presence = [present(CAROL, 'carol')]
  session.presenceChanged()
  assert.deepEqual(session.authorsNamed('Bob'), [BOB])
  assert.deepEqual(session.authorsNamed('CAROL'), [CAROL])
  assert.deepEqual(session.authorsNamed('dave'), [])
  assert.deepEqual(session.knownNames.sort(), ['bob', 'carol'])
})

test('knows people who arrived since the last presence event', () => {
  const { room, session } = world()
  room.presence = [present(CAROL, 'carol')]
  assert.ok(session.isTaken('carol'))
  assert.deepEqual(session.authorsNamed('CAROL'), [CAROL])
  assert.equal(session.people.nameOf(CAROL), 'carol')
})

test('shows two present people of one name with their keys', () => {
  const { room, session } = world()
  room.presence = [present(BOB, 'sam'), present(CAROL, 'sam')]
  session.presenceChanged()
  assert.deepEqual(
    room.presence.map(one => session.nameOf(one)),
    ['sam (bbbbbbbb)', 'sam (cccccccc)'],
  )
})

test('hides people for this user, now and in the next session', async () => {
  const { session } = world([], { hidden: new Set([CAROL]) })
  await session.hide(BOB)
  session.show(CAROL)
  const messages = [said(BOB, 1, 'bob'), said(CAROL, 1, 'carol')]
  assert.deepEqual(session.visible(messages), messages.slice(1))
  assert.deepEqual([...session.saved.hidden], [BOB])
})

const [GUEST, GUEST2] = ['d', 'e'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId]

test('hides single lines for this user, with what refers to them, now and in the next session', async () => {
  const lines = [said(BOB, 1, 'bob'), said(BOB, 2, 'bob'), said(CAROL, 1, 'carol')]
  const to = { author: BOB, run: 0, seq: 2 }
  const reply = said(CAROL, 2, 'carol', { kind: 'reply', to })
  const about = [said(CAROL, 3, 'carol', { kind: 'reaction', to }), said(BOB, 3, 'bob', { kind: 'edit', to })]
  const { session } = world()
  session.hideLine({ author: logOf(BOB), seq: 2 })
  const { session: next } = world(lines, { ...session.saved, leftAt: 0 })
  for (const each of [session, next]) {
    assert.deepEqual(each.visible([...lines, reply, ...about]), [lines[0], lines[2], reply])
    each.references.note([...lines, reply])
    assert.equal(each.references.contextOf(reply).about, 'a line that you have hidden')
  }
  await next.countUnread()
  assert.equal(next.unread.markAbove(lines[0] as Message)?.count, 2, 'of three lines')
  assert.ok(session.showLine({ author: logOf(BOB), seq: 2 }))
  assert.ok(!session.showLine({ author: logOf(BOB), seq: 2 }))
  assert.deepEqual(session.visible(lines), lines)
})

test('hides with somebody the strangers who came by the same connection, now, later and in the next session', async () => {
  const { room, session } = world()
  room.people = { pins: [{ name: 'carol', key: CAROL, since: 1, how: 'met' }], addressed: [] }
  room.companions = [CAROL, GUEST].map(author => ({ author, of: BOB }))
  assert.equal(await session.hide(BOB), 1, 'nobody whom the user knows')
  assert.deepEqual([...session.hidden], [BOB, GUEST])
  assert.deepEqual(session.hiddenByName, [BOB])
  // Another key of the same connection.
  room.companions.push({ author: GUEST2, of: BOB })
  const messages = [said(GUEST2, 1, 'guest'), said(CAROL, 1, 'carol')]
  await session.hideNewCompanions(messages)
  assert.deepEqual(session.visible(messages), messages.slice(1))
  const { hidden, companions } = session.saved
  const next = world([], { hidden, companions }).session
  assert.equal(next.show(BOB), 2)
  assert.deepEqual([...next.hidden], [])
})

test('shows one companion of a hidden person again, alone, and does not hide them again', async () => {
  const { room, session } = world()
  room.companions = [GUEST, GUEST2].map(author => ({ author, of: BOB }))
  await session.hide(BOB)
  assert.equal(session.show(GUEST), 0)
  assert.deepEqual([...session.hidden], [BOB, GUEST2])
  await session.hideNewCompanions([said(GUEST, 1, 'guest')])
  assert.deepEqual([...session.hidden], [BOB, GUEST2])
  assert.equal(await session.hide(BOB), 2, 'the user hides them again')
})

test('tells history from what arrives, and marks what was shown as read', () => {
  const { room, session } = world([said(BOB, 2, 'bob')], { read: 1 })
  assert.ok(session.isHistory(said(BOB, 2, 'bob')))
  assert.ok(!session.isHistory(said(BOB, 3, 'bob')))
  assert.ok(!session.isHistory(said(CAROL, 1, 'carol')))
  session.historyShown()
  assert.deepEqual([...room.readMarks], [[BOB, 2]])
  session.shown([said(CAROL, 1, 'carol'), said(BOB, 4, 'bob'), said(BOB, 3, 'bob')])
  assert.deepEqual(
    [...room.readMarks],
    [
      [BOB, 4],
      [CAROL, 1],
    ],
  )
})

test('makes those known whom a typed line addresses, but not those whom it merely mentions', async () => {
  const { room, session } = world()
  for (const message of [said(BOB, 1, 'bob'), said(CAROL, 1, 'the')]) session.note(message)
  await session.say({ kind: 'text', text: 'the bob of yesterday' })
  assert.deepEqual(room.addressees, [])
  await session.say({ kind: 'text', text: 'bob: good morning' })
  await session.say({ kind: 'text', text: 'ask @the.' })
  assert.deepEqual(room.addressees, [BOB, CAROL])
})

test('makes nobody known by a name that two people use', async () => {
  const { room, session } = world()
  for (const message of [said(BOB, 1, 'bob'), said(CAROL, 1, 'bob')]) session.note(message)
  await session.say({ kind: 'text', text: 'bob: good morning' })
  assert.deepEqual(room.addressees, [])
})

test('hides all strangers at once, but nobody whom the user knows', async () => {
  const { room, session } = world()
  room.people = { pins: [{ name: 'bob', key: BOB, since: 1, how: 'met' }], addressed: [] }
  const messages = [said(ALICE, 1, 'alice'), said(BOB, 1, 'bob'), said(CAROL, 1, 'carol')]
  await session.hide(STRANGERS)
  assert.deepEqual(
    session.visible(messages).map(({ username }) => username),
    ['alice', 'bob'],
  )
  room.people = { ...room.people, addressed: [CAROL] }
  assert.equal(session.visible(messages).length, 3)
  assert.ok(session.saved.hidden.has(STRANGERS))
})

test('shows the person whose key a name is bound to by name alone', () => {
  const { room, session } = world()
  room.presence = [present(BOB, 'sam'), present(CAROL, 'sam')]
  session.presenceChanged()
  assert.deepEqual(
    room.presence.map(one => session.nameOf(one)),
    ['sam (bbbbbbbb)', 'sam (cccccccc)'],
  )
  room.people = { pins: [{ name: 'sam', key: BOB, since: 1, how: 'met' }], addressed: [] }
  assert.deepEqual(
    room.presence.map(one => session.nameOf(one)),
    ['sam', 'sam (cccccccc)'],
  )
})

test('draws the status row within 50 ms of work for a key, while 1,000 strangers are present', () => {
  const { room, session } = world()
  room.presence = Array.from({ length: 1_000 }, (_, i) => ({
    ...present(i.toString(16).padStart(64, '0') as AuthorId, `stranger ${i}`),
    isTyping: true,
    away: 'x'.repeat(256),
  }))
  session.presenceChanged()
  const used: number[] = []
  for (let key = 0; key < 11; key++) {
    const before = process.cpuUsage()
    statusRow(partsOf(session, [], undefined), 80)
    const { user, system } = process.cpuUsage(before)
    used.push((user + system) / 1_000)
  }
  const median = used.sort((a, b) => a - b)[5] ?? 0
  assert.ok(median < 50, `${median} ms`)
})

test('rings for mentions and answers, for every line, or for nothing, as the user chose for the room', () => {
  const answer = said(BOB, 1, 'bob', { kind: 'reply', to: { author: ALICE, run: 0, seq: 1 } })
  const messages = {
    line: said(BOB, 2, 'bob'),
    mention: said(BOB, 3, 'bob', { message: 'alice: hi' }),
    answer,
    other: said(BOB, 4, 'bob', { kind: 'reply', to: { author: CAROL, run: 0, seq: 1 } }),
    reaction: said(BOB, 5, 'bob', {
      ...{ kind: 'reaction', to: { author: ALICE, run: 0, seq: 1 }, emoji: '👍', isRemoved: false },
      message: 'alice',
    }),
    edit: said(BOB, 6, 'bob', { kind: 'edit', to: { run: 0, seq: 2 }, text: 'alice!', message: 'edited: alice!' }),
    ours: said(ALICE, 1, 'alice', { message: 'alice' }),
  }
  const rung = (view: Partial<SavedView>): string[] => {
    const { session } = world([], view)
    return Object.entries(messages).flatMap(([name, message]) => (session.rings(message) ? [name] : []))
  }
  assert.deepEqual(rung({}), ['mention', 'answer'])
  assert.deepEqual(rung({ notifyLevel: 'all' }), ['line', 'mention', 'answer', 'other'])
  assert.deepEqual(rung({ notifyLevel: 'none' }), [])
  const { session } = world()
  session.notifyLevel = 'none'
  assert.equal(session.saved.notifyLevel, 'none')
})

test('lists mentions and answers since the user left, without those of hidden people, and walks them', async () => {
  const at = (seq: number): object => ({ message: 'hello alice', label: `b${seq}` })
  const stored = [said(BOB, 1, 'bob', at(1)), said(BOB, 2, 'bob', at(2)), said(BOB, 3, 'bob')]
  const { session } = world([...stored, said(BOB, 4, 'bob', at(4)), said(CAROL, 1, 'carol', at(1))], {
    read: 1,
    hidden: new Set([CAROL]),
  })
  const { messages, count } = await session.missedMentions(new AbortController().signal)
  assert.deepEqual([count, messages.map(({ seq }) => seq)], [2, [2, 4]])
  assert.deepEqual([session.nextListed(), session.nextListed(), session.nextListed()], ['b2', 'b4', undefined])
})
