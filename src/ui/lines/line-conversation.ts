import { systemClock } from '../../base/clock.js'
import { reasonOf } from '../../base/errors.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { DisplayNames } from '../../chat/display-names.js'
import { jsonLineOf } from '../../chat/json.js'
import { type Draft, plainTextOf } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import { isLive } from '../../chat/liveness.js'
import { People } from '../../chat/views/people.js'
import type { SharedConversation } from '../../host/shared-conversation.js'
import type { AuthorId, Seq } from '../../log/format/author.js'
import { dayNumberOf, dayOf } from '../../session/dates.js'
import { loadView, saveView } from '../../session/saved-view.js'
import { TopicView } from '../../session/topic.js'
import { ANSWERS, type CommandContext } from '../commands/answers.js'
import { lineOf, unknownCommandLine } from '../commands/commands.js'
import type { Task } from '../commands/reading.js'
import { noteLatest } from '../known-names.js'
import { labelled, type TimeStyle } from '../labels.js'
import { cutLine, sayLines } from './input.js'
import { info, warn, writeLines } from './output.js'
import { PresenceChanges } from './presence-changes.js'

/** History that a terminal shows first, in messages. */
const TERMINAL_HISTORY = 200

export interface LineOptions {
  readonly me: string
  /** How much history is shown first; undefined: what suits the output. */
  readonly last: number | 'all' | undefined
  readonly isJson: boolean
  readonly isPlain: boolean
  /** Whether each line begins with its time; on a terminal it always does. */
  readonly hasTimes: boolean
  /** Whether, with JSON, it is also written who comes and goes. */
  readonly hasPresence: boolean
  /** Where the screen remembers whom the user has hidden, and the topic. */
  readonly memoryFile: string
  /** Ends the conversation. */
  readonly quit: () => void
}

/** A conversation in lines: messages on stdout, everything else on stderr; typed lines may be commands. */
export class LineConversation {
  readonly #peer: SharedConversation
  readonly #options: LineOptions
  /** A person types, and may type commands. */
  readonly #isTyped: boolean
  /** A person sees what they type, and need not see it again. */
  readonly #isEchoed: boolean
  readonly #startedAt = systemClock.now()
  #connectedAt = 0
  #linked: ReadonlySet<string> = new Set()
  readonly #heads: ReadonlyMap<AuthorId, Seq>
  readonly #names: DisplayNames
  readonly #people = new People()
  readonly #hidden: Set<AuthorId>
  readonly #topic: TopicView
  readonly #closing = new AbortController()
  /** Lines that were typed and have not come back from the log. */
  readonly #echoed: string[] = []
  #nick: string
  #isAway = false
  #isBusy = false
  #day: number | undefined

  constructor(peer: SharedConversation, options: LineOptions) {
    this.#peer = peer
    this.#options = options
    this.#isTyped = process.stdin.isTTY === true && !options.isJson
    this.#isEchoed = this.#isTyped && process.stdout.isTTY === true
    this.#heads = new Map(peer.heads.map(({ author, seq }) => [author, seq]))
    this.#names = new DisplayNames(peer.me, peer.id)
    this.#nick = peer.me
    const memory = loadView(options.memoryFile)
    this.#hidden = new Set(this.#isTyped ? memory.hidden : [])
    this.#topic = new TopicView(memory.topic)
    this.#noteConnections()
    peer.on('change', () => this.#noteConnections())
    this.#names.notePresent(peer.presence)
    peer.on('presence', () => this.#names.notePresent(peer.presence))
  }

  /** Reads stdin and writes stdout until `stopped` resolves. Rejects with `OutputClosed` when stdout takes no more. */
  async run(stopped: Promise<void>): Promise<void> {
    const { isJson } = this.#options
    if (!isJson) await this.#recall()
    const printing = Promise.all([this.#print(), this.#printPresence()])
    const say = (text: string): Promise<void> => (this.#isTyped ? this.#typed(text) : this.#peer.say(text))
    const reading = sayLines({ say }, process.stdin, isJson, () => info(cutLine()))
    reading.catch(error => {
      if (!process.stdin.destroyed) warn(`input cannot be read any more: ${error.message}`)
    })
    try {
      await Promise.race([stopped, printing])
    } finally {
      this.#closing.abort()
      process.stdin.destroy()
    }
  }

  /** Whoever uses a name is known before the first line is labelled; and the own name that was used last is used on. */
  async #recall(): Promise<void> {
    const heads = [...this.#heads].map(([author, seq]) => ({ author, seq }))
    const latest = await noteLatest(this.#names, heads, options => this.#peer.batches(options))
    if (!this.#isTyped) return
    for (const message of latest) {
      this.#people.note(message)
      if (message.author === this.#peer.id) this.#nick = sanitise(message.username)
    }
    if (this.#nick !== this.#peer.me) info(`you are called ${this.#nick}: /nick ${this.#peer.me} goes back`)
    const { seen } = loadView(this.#options.memoryFile)
    void this.#topic.find(this.#peer, seen, this.#closing.signal).catch(() => {}) // the reading of messages reports it
  }

  /** Resolves never, or when the log is closed. */
  async #print(): Promise<void> {
    const { last, isJson } = this.#options
    const count = last ?? (process.stdout.isTTY ? TERMINAL_HISTORY : 'all')
    const format = isJson ? (message: Message) => jsonLineOf(message, this.#isLive(message)) : this.#formatter()
    for await (const messages of this.#peer.batches({ live: true, ...(count !== 'all' && { last: count }) })) {
      // Namesakes that come together carry their key from the first line on.
      for (const { author, username } of messages) this.#names.note(author, username)
      let lines: string[] = []
      for (const message of messages) {
        if (!this.#isShown(message)) continue
        if (this.#isEchoed && this.#isNewDay(message)) {
          await writeLines(process.stdout, lines)
          lines = []
          info(dayOf(message.timeMs))
        }
        lines.push(format(message))
      }
      await writeLines(process.stdout, lines)
    }
  }

  /** Who comes and goes, at the pace of the reader: what changes meanwhile is told as it is then. */
  async #printPresence(): Promise<void> {
    if (!this.#options.hasPresence) return
    const changes = new PresenceChanges()
    const { signal } = this.#closing
    let hasChanged = true
    let wake = (): void => {}
    const onChange = (): void => {
      hasChanged = true
      wake()
    }
    this.#peer.on('presence', onChange)
    signal.addEventListener('abort', () => wake(), { once: true })
    while (!signal.aborted) {
      if (hasChanged) {
        hasChanged = false
        const time = new Date(systemClock.now()).toISOString()
        const lines = changes.since(this.#peer.presence).map(change => sanitisedJson({ ...change, time }))
        await writeLines(process.stdout, lines)
      } else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
    this.#peer.off('presence', onChange)
  }

  /** A line that the terminal has shown as it was typed is not printed again, and nothing of somebody who is hidden. */
  #isShown(message: Message): boolean {
    this.#people.note(message)
    this.#topic.note(message)
    if (this.#hidden.has(message.author)) return false
    if (message.author !== this.#peer.id || message.kind !== 'text') return true
    const index = this.#echoed.indexOf(message.message)
    if (index === -1 || message.seq <= (this.#heads.get(message.author) ?? 0)) return true
    this.#echoed.splice(index, 1)
    return false
  }

  #isNewDay({ timeMs }: Message): boolean {
    const day = dayNumberOf(timeMs)
    const isNew = day !== this.#day
    this.#day = day
    return isNew
  }

  #formatter(): (message: Message) => string {
    const isTerminal = process.stdout.isTTY === true
    const time: TimeStyle = this.#isEchoed ? 'time' : this.#options.hasTimes ? 'date and time' : 'none'
    return labelled(this.#names, isTerminal && !this.#options.isPlain, { time, isWrapped: isTerminal })
  }

  #isLive({ author, seq, timeMs }: Message): boolean {
    if (seq <= (this.#heads.get(author) ?? 0)) return false
    const isOwn = author === this.#peer.id
    return isLive(timeMs, {
      now: systemClock.now(),
      startedAt: this.#startedAt,
      connectedAt: this.#connectedAt,
      isOwn,
    })
  }

  #noteConnections(): void {
    const linked = new Set(this.#peer.connectionSummary.connected)
    if ([...linked].some(name => !this.#linked.has(name))) this.#connectedAt = systemClock.now()
    this.#linked = linked
  }

  /** A line that a person has typed. */
  async #typed(text: string): Promise<void> {
    const line = lineOf(text)
    if (line.kind === 'message') return this.#say({ kind: 'text', text: line.text })
    if (line.kind === 'unknown') return warn(unknownCommandLine(line))
    const hidden = this.#hidden.size
    try {
      await ANSWERS[line.name](this.#desk, line.argument)
    } catch (error) {
      warn(reasonOf(error))
    }
    if (this.#hidden.size !== hidden) await this.#rememberHidden()
  }

  async #say(draft: Draft): Promise<void> {
    this.#setAway(undefined)
    const message = plainTextOf(draft)
    if (this.#isEchoed && draft.kind === 'text') this.#echoed.push(message)
    try {
      await this.#peer.say(this.#nick === this.#peer.me ? draft : { username: this.#nick, ...draft })
    } catch (error) {
      const index = this.#echoed.indexOf(message)
      if (index !== -1) this.#echoed.splice(index, 1)
      throw error
    }
  }

  get #desk(): CommandContext {
    const conversation = this
    return {
      conversation: this.#peer,
      people: this.#people,
      hidden: this.#hidden,
      now: () => systemClock.now(),
      get nick() {
        return conversation.#nick
      },
      set nick(name) {
        conversation.#nick = name
      },
      topic: () => this.#topic.current?.text,
      nameOf: ({ author, name }) => {
        const called = (author && this.#people.nameOf(author)) ?? name
        return this.#names.presentName({ author, name: called })
      },
      keyHelp: ['//text says /text.'],
      tell: (...lines) => lines.forEach(info),
      list: (...rows) => rows.forEach(info),
      complain: warn,
      quote: (title, messages, end) => this.#quote(title, messages, end),
      busy: (what, work) => this.#doWork(what, work),
      say: draft => void this.#say(draft).catch(error => warn(reasonOf(error))),
      away: text => this.#setAway(text),
      quit: this.#options.quit,
    }
  }

  /** On stderr, for stdout has each message once. */
  #quote(title: string, messages: readonly Message[], end: string): void {
    const format = labelled(this.#names, false, { time: 'date and time', isWrapped: false })
    info(title)
    for (const message of messages) if (!this.#hidden.has(message.author)) info(format(message))
    info(end)
  }

  async #doWork(_what: string, work: (task: Task) => Promise<void>): Promise<void> {
    if (this.#isBusy) return warn('wait for the command before: one at a time')
    this.#isBusy = true
    try {
      await work({ signal: this.#closing.signal, onProgress: () => {} })
    } finally {
      this.#isBusy = false
    }
  }

  #setAway(text: string | undefined): void {
    if (text === undefined && !this.#isAway) return
    this.#isAway = text !== undefined
    this.#peer.setAway(text)
    info(this.#isAway ? 'you are away; /back, or your next line, ends it' : 'you are back')
  }

  /** Whom the user hides is hidden on the screen too. */
  async #rememberHidden(): Promise<void> {
    const { memoryFile } = this.#options
    await saveView(memoryFile, { ...loadView(memoryFile), hidden: this.#hidden }).catch(error =>
      warn(`whom you have hidden is not remembered: ${reasonOf(error)}`),
    )
  }
}
