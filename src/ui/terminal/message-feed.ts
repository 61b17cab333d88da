import { systemClock } from '../../base/clock.js'
import type { Message } from '../../chat/kinds/message.js'
import type { UnreadMark } from '../../chat/views/unread.js'
import { Arrivals } from '../../session/arrivals.js'
import type { Session } from '../../session/session.js'
import { isOlder } from '../text/gap-text.js'

/** Messages that are shown together. */
export interface ArrivedMessages {
  readonly messages: readonly Message[]
  /** The unread mark above the messages, if they are the first ones that the user missed. */
  readonly mark: UnreadMark | undefined
  /** How many older messages arrived with them and are not shown. */
  readonly skipped: number
}

export interface FeedEvents {
  /** The latest entries were read: the session knows the name that the user used last. */
  readonly onLatest: () => void
  /** A line that the user wrote in an earlier run. */
  readonly onOwnLine: (message: string) => void
  /** A message of the history, and the unread mark above it. */
  readonly onHistory: (message: Message, mark: UnreadMark | undefined) => void
  readonly onHistoryRead: () => void
  /** The rows about older lines that are not here; they are shown above the history. */
  readonly older: () => Promise<readonly string[]>
  readonly onOlder: (row: string) => void
  readonly onHistoryEnd: () => void
  readonly onArrivals: (arrived: ArrivedMessages) => void
  readonly onTopic: () => void
}

/** Reads the conversation for the screen: the history, then arriving messages in batches. */
export class MessageFeed {
  readonly #session: Session
  readonly #events: FeedEvents
  readonly #arrivals: Arrivals
  /** The latest message of each author that has arrived and is not shown. */
  #unshown: Message[] = []
  #showing: NodeJS.Timeout | undefined

  constructor(session: Session, events: FeedEvents) {
    this.#session = session
    this.#events = events
    this.#arrivals = new Arrivals(message => session.unread.isMissed(message))
  }

  /** Reads until `signal` is aborted. Rejects if the log cannot be read. */
  async read(last: number | 'all', signal: AbortSignal): Promise<void> {
    const { room, heads } = this.#session
    await this.#session.readLatest()
    this.#events.onLatest()
    await this.#session.countUnread()
    for (const row of await this.#events.older()) this.#events.onOlder(row)
    const gathered: Message[] = []
    for await (const batch of room.batches({ gaps: true, ...(last !== 'all' && { last }) })) {
      if (signal.aborted) return
      const history = batch.filter(message => this.#session.isHistory(message))
      // The last lines are shown together, each with its edits and reactions.
      if (last === 'all') await this.#passHistory(history)
      else gathered.push(...history)
    }
    if (last !== 'all') await this.#passHistory(gathered)
    this.#session.historyShown()
    this.#events.onHistoryEnd()
    void this.#session.findTopic(signal).then(
      () => this.#events.onTopic(),
      () => {}, // the live reader below fails as well, and reports it
    )
    const since = [...heads].map(([author, seq]) => ({ author, seq }))
    for await (const batch of room.batches({ live: true, gaps: true, since, signal })) {
      await this.#session.hideNewCompanions(batch)
      const shown = this.#session.references.note(batch)
      await this.#session.references.fetch(shown)
      this.#arrived(batch, shown)
    }
  }

  /** Passes on what has arrived, without waiting for more. */
  flush(): void {
    clearTimeout(this.#showing)
    this.#showing = undefined
    const { messages, skipped, missed, isCut } = this.#arrivals.take(systemClock.now())
    const mark = this.#session.unread.markArrivals(missed, isCut)
    this.#session.noteNames(messages)
    this.#events.onArrivals({ messages, mark, skipped })
    for (const message of messages) this.#session.references.drawn(message)
    this.#session.shown(this.#unshown.splice(0))
  }

  async #passHistory(messages: readonly Message[]): Promise<void> {
    const session = this.#session
    session.noteNames(messages)
    const shown = new Set(session.references.note(messages))
    await session.references.fetch(messages)
    for (const message of messages) {
      session.note(message)
      if (session.isOurs(message) && message.kind === 'text') this.#events.onOwnLine(message.message)
      if (session.hides(message) || !shown.has(message) || isOlder(message)) continue
      this.#events.onHistory(message, session.unread.markAbove(message))
      session.references.drawn(message)
    }
    this.#events.onHistoryRead()
  }

  #arrived(batch: readonly Message[], shown: readonly Message[]): void {
    for (const message of batch) this.#session.note(message)
    this.#unshown = latestOf([...this.#unshown, ...batch])
    this.#arrivals.push(
      this.#session.visible(shown).filter(message => !isOlder(message)),
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

/** The latest message of each author. */
const latestOf = (messages: readonly Message[]): Message[] => [
  ...new Map(messages.map(message => [message.author, message])).values(),
]
