import type { DisplayNames } from '../chat/display-names.js'
import { isLine } from '../chat/kinds/kinds.js'
import { type Message, placeOf, targetOf } from '../chat/kinds/message.js'
import type { Target } from '../chat/kinds/target.js'
import { type LineContext, UNKNOWN_LINE } from '../chat/text-line.js'
import { keyOfPlace, keyOfTarget, Lines } from '../chat/views/lines.js'
import { type AuthorId, type LogId, logOf, type Seq } from '../log/format/author.js'
import type { Digest } from '../log/format/heads.js'
import type { RoomApi } from '../node/room-api.js'

/** Longest quotation of a line above an answer, and beside a reaction, in characters. */
const QUOTED_MAX = 40
const QUOTED_BESIDE_MAX = 24
/** Largest number of lines that are read from the log at once because messages refer to them. */
const FETCHED_MAX = 32
/** Largest number of lines that are remembered as drawn: changes of other lines are not reported. */
const DRAWN_MAX = 20_000
/** Largest number of changes of one person's reactions to one line that are reported. */
const REPORTED_MAX = 8
/** Largest number of different emojis below one line. */
const EMOJIS_MAX = 8

const DELETED_LINE = 'a deleted line'
const HIDDEN_LINE = 'a line that you have hidden'

/** Characters that may end a quotation. They are replaced within quoted text, so that it cannot seem to end early. */
const QUOTATION_MARKS = /["'`\u00b4\u2033\u301d-\u301f\uff02\u275b-\u2760]|\p{Pi}|\p{Pf}|\p{Ps}|\p{Pe}/gu

export interface ReferencesOptions {
  readonly room: Pick<RoomApi, 'id' | 'heads' | 'labels' | 'batches'>
  readonly names: Pick<DisplayNames, 'nameOf'>
  readonly isHidden: (author: AuthorId) => boolean
  readonly isHiddenLine: (place: Digest) => boolean
}

/** How a message is shown. */
export interface ShownContext extends LineContext {
  /** The reactions to it: `👍 2  ❤️ 1`; empty if there are none. */
  readonly reactions: string
}

/** The line that a command names, or the reason why there is none. */
export type FoundLine =
  | { readonly kind: 'found'; readonly line: Message; readonly key: string }
  /** `deleted`: the place, if the line was deleted. */
  | { readonly kind: 'none'; readonly why: string; readonly deleted?: Digest }

/**
 * The lines that a user sees, with their edits and reactions. Resolves which lines messages refer to, and which lines
 * commands name.
 */
export class References {
  readonly lines = new Lines()
  readonly #options: ReferencesOptions
  /** The keys of the lines that were drawn, the latest last. */
  readonly #drawn = new Set<string>()
  readonly #reported = new Map<string, number>()

  constructor(options: ReferencesOptions) {
    this.#options = options
  }

  /**
   * Notes messages that are drawn together. Returns the messages to draw. Omits an edit or a reaction if it changes
   * nothing, or if its line is drawn after it and includes it.
   */
  note(messages: readonly Message[]): Message[] {
    const changes = messages.filter(message => this.lines.note(message))
    return changes.filter(message => {
      if (message.kind === 'reaction') return this.#isReported(message)
      if (message.kind !== 'edit') return true
      const key = keyOfTarget({ author: message.author, ...message.to })
      return this.#drawn.has(key) || this.lines.at(key) === undefined
    })
  }

  /** The messages of a quotation: without reactions, and without edits of lines that are shown with their last text. */
  quoted(messages: readonly Message[]): Message[] {
    for (const message of messages) this.lines.note(message)
    return messages.filter(message => this.isShown(message))
  }

  /** Whether a message is a line of its own in a quotation: a reaction is not, nor an edit whose line is known. */
  isShown(message: Message): boolean {
    if (message.kind !== 'edit') return message.kind !== 'reaction'
    return this.lines.at(keyOfTarget({ author: message.author, ...message.to })) === undefined
  }

  /** A message was drawn. */
  drawn(message: Message): void {
    if (!isLine(message)) return
    const { author, seq } = placeOf(message)
    const key = keyOfPlace(author, seq)
    this.#drawn.delete(key)
    this.#drawn.add(key)
    if (this.#drawn.size <= DRAWN_MAX) return
    const [oldest] = this.#drawn
    if (oldest !== undefined) this.#drawn.delete(oldest)
  }

  /** Reads the lines that messages refer to, if they are not known yet. */
  async fetch(messages: readonly Message[]): Promise<void> {
    const targets = messages.flatMap(message => (message.kind === 'delete' ? [] : (targetOf(message) ?? [])))
    const here = new Set(messages.map(message => keyOfPlace(placeOf(message).author, message.seq)))
    const unknown = new Map(targets.map(target => [keyOfTarget(target), target]))
    let left = FETCHED_MAX
    for (const [key, target] of unknown) {
      if (here.has(key) || this.lines.at(key) !== undefined || this.lines.isDeleted(key)) continue
      if (left-- === 0) return
      await this.#read(logOf(target.author, target.run), target.seq)
    }
  }

  /** The line that a message refers to, and the message's text, edits and reactions as known now. */
  contextOf(message: Message): ShownContext {
    const { author, seq } = placeOf(message)
    const key = keyOfPlace(author, seq)
    return {
      ...this.aboutOf(message),
      ...(isLine(message) && { text: this.lines.textOf(key), isEdited: this.lines.editsOf(key).length > 0 }),
      reactions: this.#reactionsTo(key),
    }
  }

  /** The line that a message refers to. */
  aboutOf(message: Message): ShownContext {
    const to = targetOf(message)
    return { ...(to !== undefined && { about: this.#about(message, to) }), reactions: '' }
  }

  #about({ kind }: Message, to: Target): string {
    if (kind === 'delete') return this.#labelOf(to)
    if (kind === 'edit') return this.lines.at(keyOfTarget(to)) === undefined ? UNKNOWN_LINE : this.#labelOf(to)
    return this.#describe(to, kind === 'reply' ? QUOTED_MAX : QUOTED_BESIDE_MAX)
  }

  /** A line as a short description: `alice a12 “lunch at noon?”`. */
  #describe(to: Target, quotedMax: number): string {
    const key = keyOfTarget(to)
    if (this.lines.isDeleted(key)) return DELETED_LINE
    const line = this.lines.at(key)
    if (line === undefined) return UNKNOWN_LINE
    if (this.#options.isHiddenLine(placeOf(line))) return HIDDEN_LINE
    const text = (this.lines.textOf(key) ?? '').replace(/\s+/g, ' ').replace(QUOTATION_MARKS, '·')
    const characters = [...text]
    const quoted = characters.length > quotedMax ? `${characters.slice(0, quotedMax).join('').trimEnd()}…` : text
    return `${this.#options.names.nameOf(line.author, line.username)} ${this.#labelOf(to)} “${quoted}”`
  }

  /**
   * The line that a command names by its label, `b412`, or by its distance from the end, `-1`. With `isOurs`, the
   * distance counts only lines of the user.
   */
  async find(name: string, isOurs = false): Promise<FoundLine> {
    if (/^-[1-9]\d{0,4}$/.test(name)) return this.#atDistance(-Number(name), isOurs)
    const place = this.#options.room.labels.placeOf(name)
    if (place === undefined) return { kind: 'none', why: `no line is called ${name.slice(0, 20)}: ${HOW_TO_NAME}` }
    return this.findAt(place, name)
  }

  /** The line at a place, which its user knows by `name`. */
  async findAt(place: Digest, name: string): Promise<FoundLine> {
    const key = keyOfPlace(place.author, place.seq)
    if (this.lines.at(key) === undefined && !this.lines.isDeleted(key)) await this.#read(place.author, place.seq)
    const line = this.lines.at(key)
    if (line !== undefined) return { kind: 'found', line, key }
    if (this.lines.isDeleted(key)) return { kind: 'none', why: `${name} was deleted`, deleted: place }
    return { kind: 'none', why: `the line ${name} is not here` }
  }

  #atDistance(distance: number, isOurs: boolean): FoundLine {
    let left = distance
    for (const key of [...this.#drawn].reverse()) {
      const line = this.lines.at(key)
      if (line === undefined || (isOurs && line.author !== this.#options.room.id)) continue
      if (--left === 0) return { kind: 'found', line, key }
    }
    return { kind: 'none', why: `you have not ${isOurs ? 'said' : 'seen'} that many lines here: ${HOW_TO_NAME}` }
  }

  #labelOf({ author, run, seq }: Target): string {
    return this.#options.room.labels.labelOf(logOf(author, run), seq) ?? 'a line'
  }

  #reactionsTo(key: string): string {
    const reactions = this.lines.reactionsTo(key, this.#options.isHidden)
    const shown = reactions.slice(0, EMOJIS_MAX).map(({ emoji, authors }) => `${emoji} ${authors.length}`)
    return [...shown, ...(reactions.length > EMOJIS_MAX ? ['…'] : [])].join('  ')
  }

  #isReported({ author, to }: Message & { readonly kind: 'reaction' }): boolean {
    const key = keyOfTarget(to)
    if (!this.#drawn.has(key)) return false
    const who = `${author} ${key}`
    const reported = (this.#reported.get(who) ?? 0) + 1
    if (this.#reported.size >= DRAWN_MAX) this.#reported.clear()
    this.#reported.set(who, reported)
    return reported <= REPORTED_MAX
  }

  /** Reads one place of the log. */
  async #read(log: LogId, seq: Seq): Promise<void> {
    const { room } = this.#options
    const head = room.heads.find(({ author }) => author === log)
    if (head === undefined || head.seq < seq) return
    const since = room.heads.map(other => (other.author === log ? { author: log, seq: seq - 1 } : other))
    for await (const messages of room.batches({ since, gaps: true })) {
      const message = messages.find(each => placeOf(each).author === log)
      if (message !== undefined && (message.seq === seq || message.kind === 'gap')) this.lines.note(message)
      if (message !== undefined) return
    }
  }
}

const HOW_TO_NAME = 'name a line by its label, such as b12, or by -1 for the last one'
