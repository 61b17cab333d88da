import { systemClock } from '../../base/clock.js'
import { sanitise } from '../../base/safe-text.js'
import type { DisplayNames } from '../../chat/display-names.js'
import type { Message } from '../../chat/kinds/message.js'
import type { People } from '../../chat/views/people.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import type { RoomApi } from '../../node/room-api.js'
import { UnreadMarker } from '../../session/absence.js'
import { Arrivals } from '../../session/arrivals.js'
import type { SavedView } from '../../session/saved-view.js'
import type { TopicView } from '../../session/topic.js'
import { noteLatest } from '../known-names.js'

export interface FeedOptions {
  readonly conversation: RoomApi
  readonly view: SavedView
  readonly people: People
  readonly names: DisplayNames
  readonly topic: TopicView
  readonly hidden: ReadonlySet<AuthorId>
}

/** Messages that are shown together. */
export interface ArrivedMessages {
  readonly messages: readonly Message[]
  /** The title of the marker above them, if they are the first that the user missed. */
  readonly title: string | undefined
  /** How many older messages arrived with them and are not shown. */
  readonly skipped: number
}

export interface FeedEvents {
  /** The name in the user's latest entry. */
  readonly onNick: (nick: string) => void
  /** A line that the user wrote in an earlier run. */
  readonly onOwnLine: (message: string) => void
  /** A message of the history; `title` is that of the unread marker above it. */
  readonly onHistory: (message: Message, title: string | undefined) => void
  readonly onHistoryRead: () => void
  readonly onHistoryEnd: () => void
  readonly onArrivals: (arrived: ArrivedMessages) => void
  readonly onTopic: () => void
}

/** Reads the conversation for the screen: the history, then the messages that arrive, gathered into batches. */
export class MessageFeed {
  readonly #options: FeedOptions
  readonly #events: FeedEvents
  readonly #unread: UnreadMarker
  readonly #arrivals: Arrivals
  #showing: NodeJS.Timeout | undefined
  #ownSeq: Seq | undefined

  constructor(options: FeedOptions, events: FeedEvents) {
    this.#options = options
    this.#events = events
    const { view, conversation, hidden } = options
    this.#unread = new UnreadMarker(view, conversation, author => hidden.has(author), systemClock.now())
    this.#arrivals = new Arrivals(message => this.#unread.isMissed(message))
  }

  /** The user's latest entry. */
  get ownSeq(): Seq | undefined {
    return this.#ownSeq
  }

  /** Reads until `signal` is aborted. Rejects if the log cannot be read. */
  async read(last: number | 'all', signal: AbortSignal): Promise<void> {
    const { conversation, topic, view } = this.#options
    const heads = new Map(conversation.heads.map(({ author, seq }) => [author, seq]))
    await this.#readLatest(heads)
    for await (const batch of conversation.batches(last === 'all' ? {} : { last })) {
      if (signal.aborted) return
      this.#passHistory(batch.filter(({ author, seq }) => seq <= (heads.get(author) ?? 0)))
    }
    this.#events.onHistoryEnd()
    void topic.find(conversation, view.seen, signal).then(
      () => this.#events.onTopic(),
      () => {}, // the live reader below fails as well, and is not silent
    )
    const since = [...heads].map(([author, seq]) => ({ author, seq }))
    for await (const batch of conversation.batches({ live: true, since, signal })) this.#arrived(batch)
  }

  /** Passes on what has arrived, without waiting for more. */
  flush(): void {
    clearTimeout(this.#showing)
    this.#showing = undefined
    const { messages, skipped, missed, isCut } = this.#arrivals.take(systemClock.now())
    const title = this.#unread.arrivalTitle(missed, isCut)
    for (const { author, username } of messages) this.#options.names.note(author, username)
    this.#events.onArrivals({ messages, title, skipped })
  }

  /** Reads the latest entry of each author, so that the first line shown is labelled as the last one. */
  async #readLatest(heads: ReadonlyMap<AuthorId, Seq>): Promise<void> {
    const { conversation, names } = this.#options
    this.#ownSeq = heads.get(conversation.id)
    names.notePresent(conversation.presence)
    const digests = [...heads].map(([author, seq]) => ({ author, seq }))
    for (const { author, seq, username } of await noteLatest(names, digests, options => conversation.batches(options)))
      if (author === conversation.id && seq === this.#ownSeq) this.#events.onNick(sanitise(username))
  }

  #passHistory(messages: readonly Message[]): void {
    const { conversation, people, names, topic, hidden } = this.#options
    for (const { author, username } of messages) names.note(author, username)
    for (const message of messages) {
      people.note(message)
      topic.note(message)
      if (message.author === conversation.id && message.kind === 'text') this.#events.onOwnLine(message.message)
      if (!hidden.has(message.author)) this.#events.onHistory(message, this.#unread.titleOf(message))
    }
    this.#events.onHistoryRead()
  }

  #arrived(batch: readonly Message[]): void {
    const { conversation, people, topic, hidden } = this.#options
    for (const message of batch) {
      people.note(message)
      topic.note(message)
      if (message.author === conversation.id) this.#ownSeq = message.seq
    }
    this.#arrivals.push(
      batch.filter(({ author }) => !hidden.has(author)),
      systemClock.now(),
    )
    this.#flushWhenDue()
  }

  #flushWhenDue(): void {
    const due = this.#arrivals.dueAt
    if (due === undefined || this.#showing !== undefined) return
    const flush = (): void => {
      this.#showing = undefined
      if ((this.#arrivals.dueAt ?? 0) > systemClock.now()) this.#flushWhenDue()
      else this.flush()
    }
    this.#showing = setTimeout(flush, Math.max(0, due - systemClock.now()))
  }
}
