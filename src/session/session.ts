import { EventEmitter } from 'node:events'
import type { Clock, Millis } from '../base/clock.js'
import { equalsIgnoringCase } from '../base/names.js'
import { DisplayNames, type PinnedNames } from '../chat/display-names.js'
import { type Draft, isLine, plainTextOf } from '../chat/kinds/kinds.js'
import { lastPlaceOf, type Message, placeOf, withNames } from '../chat/kinds/message.js'
import { addressedNames, concerns } from '../chat/mention.js'
import type { Present } from '../chat/presence/present.js'
import { type Nick, nickAfter } from '../chat/views/nick.js'
import { People } from '../chat/views/people.js'
import { mayBeTopic, type Topic, topicAfter } from '../chat/views/topic.js'
import { Unread } from '../chat/views/unread.js'
import { type AuthorId, authorOfLog, type LogId, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import { AHEAD_MS_MAX, EARLIEST, hlcAt } from '../log/format/hybrid-clock.js'
import type { PlaceRange } from '../log/format/places.js'
import type { ReadMark } from '../log/options.js'
import { type KnownSet, pinnedNamesOf } from '../node/people/pin.js'
import type { RoomApi, SendFileOptions } from '../node/room-api.js'
import { HiddenLines } from './hidden-lines.js'
import { HiddenPeople } from './hidden-people.js'
import type { NotifyLevel } from './notify-level.js'
import { References } from './references.js'
import type { SavedView } from './saved-view.js'

/** A room, and up to where the user has read it. */
export interface SessionRoom extends RoomApi {
  /** Up to where they have read each log, in any face. */
  readonly readMarks: ReadonlyMap<LogId, Seq>
  /** Places up to the marks that had no content when the mark passed them. */
  readonly passed: ReadonlyMap<LogId, readonly PlaceRange[]>
  /** The user has read each log up to these places. */
  markRead(marks: readonly Digest[]): void
}

/** Largest number of mentions that are listed at once: the newest ones. */
const MENTIONS_MAX = 200

/** Stands for all strangers among the hidden people. */
export const STRANGERS = 'strangers' as AuthorId

interface SessionEvents {
  /** The user is away, or back. */
  away: [isAway: boolean]
}

/**
 * One user's view of one room, for any face: names, topic, unread mark, hidden people, and the state of the user's own
 * messages. The face passes it the messages that it reads; the session interprets them.
 */
export class Session extends EventEmitter<SessionEvents> {
  readonly room: SessionRoom
  /** How people are shown. */
  readonly names: DisplayNames
  /** The names that people use. */
  readonly people = new People()
  readonly unread: Unread
  /** The lines that messages and commands refer to. */
  readonly references: References
  /** The heads when the session began: messages up to them are history. */
  readonly heads: ReadonlyMap<LogId, Seq>
  /** Up to where the user had read each log when the session began. */
  readonly #seen: ReadonlyMap<LogId, Seq>
  readonly #passed: ReadonlyMap<LogId, readonly PlaceRange[]>
  readonly #clock: Clock
  readonly #hidden: HiddenPeople
  readonly #hiddenLines: HiddenLines
  /** Authors already checked for having come over the same connection as a hidden person. */
  readonly #checked: Set<AuthorId>
  /** People whom the user chose to show again: they are no longer hidden along with others. */
  readonly #shownAgain = new Set<AuthorId>()
  #topic: Topic | undefined
  #nick: Nick
  #people: KnownSet | undefined
  #known: ReadonlySet<AuthorId> = new Set()
  #pinnedNames: PinnedNames = new Map()
  #hasSpoken = false
  #isAway = false
  /** Which messages ring in this room. */
  notifyLevel: NotifyLevel
  /** Labels of the last list of lines, except those that `/next` has shown. */
  #listed: string[] = []

  constructor(room: SessionRoom, view: SavedView, clock: Clock) {
    super()
    this.room = room
    this.#seen = new Map(room.readMarks)
    this.#passed = new Map(room.passed)
    this.#clock = clock
    this.#hidden = new HiddenPeople(view.hidden, view.companions)
    this.#hiddenLines = new HiddenLines(view.hiddenLines ?? [])
    this.#checked = new Set(room.heads.map(({ author }) => authorOfLog(author)))
    this.notifyLevel = view.notifyLevel ?? 'mentions'
    this.#topic = isTooNew(view.topic, clock.now()) ? undefined : view.topic
    this.#nick = { name: room.me, at: EARLIEST }
    this.names = new DisplayNames(room.me, room.id, () => this.#pinned)
    this.references = new References({
      room,
      names: this.names,
      isHidden: author => this.isHidden(author),
      isHiddenLine: place => this.#hiddenLines.has(place),
    })
    this.heads = new Map(room.heads.map(({ author, seq }) => [author, seq]))
    this.unread = new Unread({
      ourId: room.id,
      wasHere: room.heads.some(({ author, seq }) => authorOfLog(author) === room.id && seq > 0),
      seen: this.#seen,
      passed: this.#passed,
      leftAt: view.leftAt,
      isHidden: author => this.isHidden(author),
      isHiddenLine: place => this.#hiddenLines.has(place),
      startedAt: clock.now(),
    })
    this.presenceChanged()
  }

  /** Lines that are not shown, by `keyOfPlace`. */
  get hiddenLines(): ReadonlySet<string> {
    return this.#hiddenLines.all
  }

  /** Hides a line in this user's faces only. */
  hideLine(place: Digest): void {
    this.#hiddenLines.hide(place)
  }

  /** Shows a hidden line again. False if it is not hidden. */
  showLine(place: Digest): boolean {
    return this.#hiddenLines.show(place)
  }

  /** Whether a message is not shown: its author is hidden, or it is a hidden line, or an edit of or a reaction to one. */
  hides(message: Message): boolean {
    return this.isHidden(message.author) || this.#hiddenLines.hides(message)
  }

  /** The name that the user's next message carries. */
  get nick(): string {
    return this.#nick.name
  }

  /** Undefined or empty if there is none. */
  get topic(): string | undefined {
    return this.#topic?.text
  }

  get isAway(): boolean {
    return this.#isAway
  }

  get hasSpoken(): boolean {
    return this.#hasSpoken
  }

  /** The authors whose messages are not shown. STRANGERS stands for all strangers. */
  get hidden(): ReadonlySet<AuthorId> {
    return this.#hidden.all
  }

  /** Hidden people whom the user named; all others came by the same connection as one of them. */
  get hiddenByName(): readonly AuthorId[] {
    return this.#hidden.named
  }

  isHidden(author: AuthorId): boolean {
    return this.#hidden.has(author) || (this.#hidden.has(STRANGERS) && !this.isKnown(author))
  }

  /** Which peers have stored the user's latest message; undefined if they have sent none in this session. */
  get delivery(): ReturnType<RoomApi['replicasOf']> | undefined {
    const { lastPlace } = this.room
    return this.#hasSpoken && lastPlace !== undefined ? this.room.replicasOf(lastPlace) : undefined
  }

  /** Names for completion: those of people who have written or are present. */
  get knownNames(): string[] {
    return [...new Set([...this.people.names, ...this.room.presence.map(present => this.nameOf(present))])]
  }

  isHistory(message: Message): boolean {
    const { author, seq } = placeOf(message)
    return seq <= (this.heads.get(author) ?? 0)
  }

  /** Whether the user knows an author; a scuttleup peer without a key is a stranger. */
  isKnown(author: AuthorId | undefined): boolean {
    this.#updatePeople()
    return author !== undefined && this.#known.has(author)
  }

  get #pinned(): PinnedNames {
    this.#updatePeople()
    return this.#pinnedNames
  }

  #updatePeople(): void {
    const { people, id } = this.room
    if (people === this.#people) return
    this.#people = people
    this.#known = new Set([id, ...people.pins.map(({ key }) => key), ...people.addressed])
    this.#pinnedNames = pinnedNamesOf(people)
    for (const { key, name } of people.pins) this.names.suggest(key, name)
  }

  isOurs({ author }: Pick<Message, 'author'>): boolean {
    return author === this.room.id
  }

  /**
   * Reads the latest entry of each author before the first message is labelled, so that labels do not change later, and restores
   * the name that the user used last.
   */
  async readLatest(): Promise<void> {
    const since = [...this.heads].map(([author, seq]) => ({ author, seq: Math.max(0, seq - 1) as Seq }))
    for await (const messages of this.room.batches({ since })) {
      this.noteNames(messages)
      for (const message of messages) {
        if (!this.isHistory(message) || message.kind === 'delete') continue
        this.people.note(message)
        this.#nick = nickAfter(this.#nick, message, this.room.id)
      }
    }
  }

  /** Counts the messages of the history that the user has not read. To be called before any message is shown. */
  async countUnread(): Promise<void> {
    for await (const messages of this.room.batches({ since: this.#unreadSince }))
      for (const message of messages) if (this.isHistory(message) && !this.unread.note(message)) return
  }

  get #unreadSince(): ReadMark[] {
    return digestsOf(this.#seen).map(mark => ({ ...mark, passed: this.#passed.get(mark.author) ?? [] }))
  }

  /** Looks for the topic in the messages that the user has not seen. Rejects if the log cannot be read. */
  async findTopic(signal: AbortSignal): Promise<void> {
    for await (const messages of this.room.batches({ since: this.#unreadSince }, mayBeTopic)) {
      if (signal.aborted) return
      for (const message of messages) this.#topic = topicAfter(this.#topic, message)
    }
  }

  /** Whether the user is to be notified of a message that arrives. */
  rings(message: Message): boolean {
    if (this.notifyLevel === 'none' || this.isOurs(message)) return false
    return this.notifyLevel === 'all' ? isLine(message) : this.#concernsUs(message)
  }

  #concernsUs(message: Message): boolean {
    return !this.isOurs(message) && concerns(message, this.room.id, [this.room.me, this.nick])
  }

  /**
   * Messages that mention the user or answer them: those that were unread when the session began, and those that
   * arrived since.
   */
  async missedMentions(
    signal: AbortSignal,
  ): Promise<{ readonly messages: readonly Message[]; readonly count: number }> {
    let messages: Message[] = []
    let count = 0
    for await (const batch of this.room.batches({ since: this.#unreadSince })) {
      if (signal.aborted) break
      const found = this.visible(batch).filter(message => this.#concernsUs(message))
      count += found.length
      if (found.length > 0) messages = [...messages, ...found].slice(-MENTIONS_MAX)
    }
    this.listed(messages.flatMap(({ label }) => label ?? []))
    return { messages, count }
  }

  /**
   * These lines were listed, for `/next` to show in this order. Each is a label, followed by `in:room` if it may be in
   * another room.
   */
  listed(labels: readonly string[]): void {
    this.#listed = [...labels]
  }

  /** The listed lines that `/next` has not shown yet. */
  get restListed(): readonly string[] {
    return this.#listed
  }

  /** The label of the next listed line; undefined after the last one. */
  nextListed(): string | undefined {
    return this.#listed.shift()
  }

  /** Notes the names of messages that are shown together, before any of them is labelled. */
  noteNames(messages: readonly Message[]): void {
    for (const { author, username } of withNames(messages)) this.names.note(author, username)
  }

  /**
   * The history was shown: marks all of it as read, because messages before the shown lines were counted in the unread
   * mark.
   */
  historyShown(): void {
    this.room.markRead(digestsOf(this.heads))
  }

  /** These messages were shown. */
  shown(messages: readonly Message[]): void {
    this.room.markRead(messages.map(lastPlaceOf))
  }

  /** Updates people and topic from a message. */
  note(message: Message): void {
    if (message.kind === 'gap' || message.kind === 'delete') return
    this.people.note(message)
    this.#topic = topicAfter(this.#topic, message)
  }

  /** Call this when the presence of the room has changed. */
  presenceChanged(): void {
    const { presence } = this.room
    this.names.notePresent(presence)
    this.people.setPresent(presence)
  }

  /**
   * A name as shown: the name in a person's messages or, without messages, the name that they announce; with the key if
   * the name is shared.
   */
  nameOf({ author, name }: Present): string {
    return this.names.presentName({ author, name: (author && this.people.nameOf(author)) ?? name })
  }

  /** The authors who use a name: those who have written or, if none has, those who are or were present. */
  authorsNamed(wanted: string): AuthorId[] {
    this.people.setPresent(this.room.presence)
    const found = this.people.find(wanted)
    if (found.length > 0) return found
    return this.room.presence.flatMap(({ author, name }) =>
      author !== undefined && equalsIgnoringCase(name, wanted) ? [author] : [],
    )
  }

  /** Sends a draft under the user's name, and marks the user as back. Settles like `RoomApi.say`. */
  say(draft: Draft): Promise<void> {
    this.#hasSpoken = true
    this.#noteAddressed(draft)
    this.setAway(undefined)
    return this.room.say(this.nick === this.room.me ? draft : { username: this.nick, ...draft })
  }

  /** Sends a file under the user's name, and marks the user as back. Settles like `RoomApi.sendFile`. */
  async sendFile(file: string, options: SendFileOptions): Promise<void> {
    await this.say(await this.room.storeFile(file, options))
  }

  /** Makes the people known whom a typed line addresses. A name that several people use addresses nobody. */
  #noteAddressed(draft: Draft): void {
    for (const name of addressedNames(plainTextOf(draft))) {
      const [author, ...others] = this.authorsNamed(name)
      if (author !== undefined && others.length === 0) this.room.addressed(author)
    }
  }

  /** Whether someone else uses a name. */
  isTaken(name: string): boolean {
    this.people.setPresent(this.room.presence)
    return this.people.find(name).some(author => author !== this.room.id)
  }

  /** Changes the name, and returns the draft that announces it. */
  changeNick(name: string): Draft {
    const before = this.nick
    this.#nick = { ...this.#nick, name }
    return { kind: 'nick', before, name }
  }

  /** Announces that the user is away, and why; without a text, that they are back. */
  setAway(text: string | undefined): void {
    if (text === undefined && !this.#isAway) return
    this.#isAway = text !== undefined
    this.room.setAway(text)
    this.emit('away', this.#isAway)
  }

  /**
   * Hides the messages of an author in this user's faces only, together with those of the strangers who came by the
   * same connection: whoever made one key can make more. Resolves with the number of others that are hidden.
   */
  async hide(author: AuthorId): Promise<number> {
    this.#hidden.hide(author)
    this.#shownAgain.clear()
    if (author !== STRANGERS) await this.#hideCompanions([author])
    return this.#hidden.companionsOf(author).length
  }

  /** Hides strangers who came by the same connection as a hidden one, before their first messages are shown. */
  async hideNewCompanions(messages: readonly Message[]): Promise<void> {
    const fresh = messages.filter(({ author }) => !this.#checked.has(author))
    if (fresh.length === 0) return
    for (const { author } of fresh) this.#checked.add(author)
    const leaders = this.#hidden.named.filter(author => author !== STRANGERS)
    if (leaders.length > 0) await this.#hideCompanions(leaders)
  }

  async #hideCompanions(authors: readonly AuthorId[]): Promise<void> {
    // Without the node, nothing more is known. The people whom the user named are hidden in any case.
    const found = await this.room.companionsOf(authors).catch(() => [])
    for (const { author, of } of found)
      if (this.#hidden.has(of) && !this.isKnown(author) && !this.#shownAgain.has(author))
        this.#hidden.hideWith(of, author)
  }

  /** Shows the messages of an author again, and of those who were hidden with them. Returns the number of others. */
  show(author: AuthorId): number {
    for (const one of [author, ...this.#hidden.companionsOf(author)]) this.#shownAgain.add(one)
    return this.#hidden.show(author)
  }

  /** The messages that are not hidden. */
  visible(messages: readonly Message[]): Message[] {
    return messages.filter(message => !this.hides(message))
  }

  /** The state to save for the next session, besides the draft. */
  get saved(): Omit<SavedView, 'draft'> {
    return {
      leftAt: this.#clock.now(),
      hidden: this.#hidden.all,
      companions: this.#hidden.companions,
      hiddenLines: this.#hiddenLines.all,
      topic: this.#topic,
      notifyLevel: this.notifyLevel,
    }
  }
}

/** Whether a saved topic is dated so far ahead that no other topic could replace it. */
const isTooNew = (topic: Topic | undefined, now: Millis): boolean =>
  topic !== undefined && !(topic.at <= hlcAt(now + AHEAD_MS_MAX))

const digestsOf = (heads: ReadonlyMap<LogId, Seq>): Digest[] => [...heads].map(([author, seq]) => ({ author, seq }))
