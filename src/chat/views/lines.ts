import type { AuthorId, LogId, Seq } from '../../log/format/author.js'
import { logOf } from '../../log/format/author.js'
import type { Digest } from '../../log/format/heads.js'
import { type Message, placeOf } from '../kinds/message.js'
import type { Target } from '../kinds/target.js'

/** Largest number of edits of one line that are remembered: the latest ones. */
export const EDITS_MAX = 16
/** Largest number of emojis of one author on one line that are remembered: the latest ones. */
export const REACTIONS_MAX = 8
/**
 * Largest size of the remembered lines, in UTF-16 code units; when it is exceeded, the lines that were noted first are
 * forgotten.
 */
const SIZE_MAX = 8 * 1024 * 1024
/** Approximate size of a line, an edit or a reaction besides its text. */
const NOTED_SIZE = 200

type Order = Pick<Message, 'at' | 'run' | 'seq'>

export interface Edit extends Order {
  readonly text: string
  readonly timeMs: number
}

interface Reaction extends Order {
  readonly isRemoved: boolean
}

/** An emoji, and who added it to a line. */
export interface Reactions {
  readonly emoji: string
  readonly authors: readonly AuthorId[]
}

/** The state of the line at one place, whatever arrived first. */
interface Noted {
  line: Message | undefined
  isDeleted: boolean
  /** The edits, latest first. */
  edits: readonly Edit[]
  readonly reactions: Map<AuthorId, Map<string, Reaction>>
  size: number
}

/** Whether `a` is later than `b`, of the same author. */
function isLater(a: Order, b: Order): boolean {
  if (a.at !== b.at) return a.at > b.at
  return a.run === b.run ? a.seq > b.seq : a.run > b.run
}

/** The key of a place. */
export const keyOfPlace = (author: LogId, seq: Seq): string => `${author}/${seq}`

export const keyOfTarget = ({ author, run, seq }: Target): string => keyOfPlace(logOf(author, run), seq)

/**
 * The lines with their edits and reactions: a function of the set of noted messages, whatever their order. An edit
 * applies only if it refers to a line of its own author. Edits of edits, and edits of lines that do not exist, have no
 * effect.
 */
export class Lines {
  readonly #sizeMax: number
  readonly #noted = new Map<string, Noted>()
  #size = 0

  constructor(sizeMax: number = SIZE_MAX) {
    this.#sizeMax = sizeMax
  }

  /**
   * Returns whether the message changes what is shown. An edit that is not the latest, and a reaction that exists
   * already, do not.
   */
  note(message: Message): boolean {
    switch (message.kind) {
      case 'gap':
        return message.state !== 'deleted' || this.#erase(placeOf(message), message.count)
      case 'delete':
        return this.#erase({ author: logOf(message.author, message.to.run), seq: message.to.seq }, message.count)
      case 'edit':
        return this.#change({ author: message.author, ...message.to }, noted => this.#edit(noted, message))
      case 'reaction':
        return this.#change(message.to, noted => this.#react(noted, message))
      case 'text':
      case 'action':
      case 'reply':
      case 'file':
        return this.#noteLine(message)
      case 'nick':
      case 'topic':
        return true
      default:
        return message satisfies never
    }
  }

  /** The line at a place; undefined if it was not noted, was deleted, or is not a line. */
  at(key: string): Message | undefined {
    return this.#noted.get(key)?.line
  }

  isDeleted(key: string): boolean {
    return this.#noted.get(key)?.isDeleted === true
  }

  /** The text of a line after its edits. */
  textOf(key: string): string | undefined {
    const noted = this.#noted.get(key)
    return noted?.line && (noted.edits[0]?.text ?? noted.line.message)
  }

  /** The edits of a line, the latest first. */
  editsOf(key: string): readonly Edit[] {
    return this.#noted.get(key)?.edits ?? []
  }

  /** Whether an author's reaction is on a line. */
  hasReaction(key: string, author: AuthorId, emoji: string): boolean {
    return this.#noted.get(key)?.reactions.get(author)?.get(emoji)?.isRemoved === false
  }

  /** The reactions to a line, the most frequent first, without those of hidden people. */
  reactionsTo(key: string, isHidden: (author: AuthorId) => boolean = () => false): readonly Reactions[] {
    const found = new Map<string, AuthorId[]>()
    for (const [author, emojis] of this.#noted.get(key)?.reactions ?? []) {
      if (isHidden(author)) continue
      for (const [emoji, { isRemoved }] of emojis)
        if (!isRemoved) found.set(emoji, [...(found.get(emoji) ?? []), author])
    }
    return [...found]
      .map(([emoji, authors]) => ({ emoji, authors: authors.sort() }))
      .sort((a, b) => b.authors.length - a.authors.length || (a.emoji < b.emoji ? -1 : 1))
  }

  /** Changes the noted state of a line. Returns whether that changes what is shown. */
  #change(to: Target, change: (noted: Noted) => boolean): boolean {
    const key = keyOfTarget(to)
    const noted = this.#noted.get(key) ?? this.#open(key)
    if (noted.isDeleted) return false
    const isNews = change(noted)
    this.#forget(key)
    return isNews
  }

  #noteLine(message: Message): boolean {
    const { author, seq } = placeOf(message)
    const key = keyOfPlace(author, seq)
    const noted = this.#noted.get(key) ?? this.#open(key)
    if (noted.line !== undefined || noted.isDeleted) return false
    noted.line = message
    this.#grow(noted, NOTED_SIZE + message.message.length)
    this.#forget(key)
    return true
  }

  #edit(noted: Noted, message: Message & { readonly kind: 'edit' }): boolean {
    const { at, run, seq, text, timeMs } = message
    const edit = { at, run, seq, text, timeMs }
    if (noted.edits.some(other => !isLater(edit, other) && !isLater(other, edit))) return false
    const edits = [...noted.edits, edit].sort((a, b) => (isLater(a, b) ? -1 : 1)).slice(0, EDITS_MAX)
    const sizeOf = (all: readonly Edit[]): number => all.reduce((sum, { text }) => sum + NOTED_SIZE + text.length, 0)
    this.#grow(noted, sizeOf(edits) - sizeOf(noted.edits))
    noted.edits = edits
    return edits[0] === edit
  }

  #react(noted: Noted, message: Message & { readonly kind: 'reaction' }): boolean {
    const { author, at, run, seq, emoji, isRemoved } = message
    const emojis = noted.reactions.get(author) ?? new Map<string, Reaction>()
    const before = emojis.get(emoji)
    if (before !== undefined && !isLater(message, before)) return false
    if (!noted.reactions.has(author)) noted.reactions.set(author, emojis)
    if (before === undefined) this.#grow(noted, NOTED_SIZE)
    emojis.set(emoji, { at, run, seq, isRemoved })
    if (emojis.size > REACTIONS_MAX) {
      const [oldest] = [...emojis].reduce((a, b) => (isLater(a[1], b[1]) ? b : a))
      emojis.delete(oldest)
      this.#grow(noted, -NOTED_SIZE)
      if (oldest === emoji) return false
    }
    return (before?.isRemoved ?? true) !== isRemoved
  }

  /** Places of a log were erased. */
  #erase({ author, seq }: Digest, count: number): true {
    if (count <= this.#noted.size + 1) for (let at = seq; at < seq + count; at++) this.#delete(keyOfPlace(author, at))
    else
      for (const [key, { line }] of this.#noted)
        if (line !== undefined && placeOf(line).author === author && line.seq >= seq && line.seq < seq + count)
          this.#delete(key)
    return true
  }

  #delete(key: string): void {
    const noted = this.#noted.get(key) ?? this.#open(key)
    noted.isDeleted = true
    noted.line = undefined
    noted.edits = []
    noted.reactions.clear()
    this.#grow(noted, NOTED_SIZE - noted.size)
    this.#forget(key)
  }

  #open(key: string): Noted {
    const noted: Noted = { line: undefined, isDeleted: false, edits: [], reactions: new Map(), size: 0 }
    this.#noted.set(key, noted)
    this.#grow(noted, NOTED_SIZE)
    return noted
  }

  #grow(noted: Noted, by: number): void {
    noted.size += by
    this.#size += by
  }

  /** Forgets the lines that were noted first, except `kept`, until the others fit. */
  #forget(kept: string): void {
    for (const [key, { size }] of this.#noted) {
      if (this.#size <= this.#sizeMax) return
      if (key === kept) continue
      this.#noted.delete(key)
      this.#size -= size
    }
  }
}
