import { sanitise } from '../../../base/safe-text.js'
import { shortKey } from '../../../chat/display-names.js'
import { type Message, targetOf } from '../../../chat/kinds/message.js'
import { concerns } from '../../../chat/mention.js'
import { sizeText } from '../../../chat/size-text.js'
import { actionOf } from '../../../chat/text-line.js'
import { keyOfTarget } from '../../../chat/views/lines.js'
import { type AuthorId, isSigned } from '../../../log/format/author.js'
import { AHEAD_MS_MAX } from '../../../log/format/hybrid-clock.js'
import { dayOf } from '../../../session/dates.js'
import type { Session } from '../../../session/session.js'
import { isShowable, UNASKED_BYTES_MAX } from '../../fetched-picture.js'
import { deliveryText } from '../../receipt-text.js'
import { gapLine, isOlder } from '../../text/gap-text.js'
import type { Delivery, File, LineRow, Person, Reaction, Reference, Row } from '../protocol/rows.js'
import { idOf, orderOf } from './places.js'
import { harmless, type MentionNames, segmentsOf } from './segments.js'

/** The first part of a stranger's message, which is shown before the user unfolds it. */
const FOLDED_LINES_MAX = 8
const FOLDED_LENGTH_MAX = 640
/** Names listed for one reaction. */
const NAMES_MAX = 20

/** Whether a message has a row of its own. An edit or a reaction changes another row; a deletion leaves a gap. */
export const hasRow = (message: Message): boolean =>
  message.kind !== 'reaction' && message.kind !== 'edit' && message.kind !== 'delete' && !isOlder(message)

export interface RowStyle {
  /** Whether long messages of strangers are not folded. */
  readonly isWhole?: boolean
  /** Whether lines are shown as they were written, without edits and reactions. */
  readonly isRaw?: boolean
  /** Whether the message arrived long after later lines. */
  readonly isLate?: boolean
}

/** Converts messages of a room to rows, with what `session` knows about them. */
export class Rows {
  readonly #session: Session
  readonly #now: () => number

  constructor(session: Session, now: () => number) {
    this.#session = session
    this.#now = now
  }

  /** The rows of messages; skips messages without a row and messages that the user has hidden. */
  of(messages: readonly Message[], style: RowStyle = {}): Row[] {
    return messages.flatMap(message => (this.#session.hides(message) ? [] : (this.row(message, style) ?? [])))
  }

  row(message: Message, style: RowStyle = {}): Row | undefined {
    if (message.kind === 'gap') return { ...placeOf(message), ...gapOf(message) }
    if (!hasRow(message)) return undefined
    if (message.kind === 'nick' || message.kind === 'topic') return this.#change(message)
    return this.#line(message, style)
  }

  /** The row of somebody's line that was deleted. */
  deleted(message: Message): Row {
    return { ...placeOf(message), ...gapOf({ count: 1, state: 'deleted' }) }
  }

  person(author: AuthorId, name: string, mark = ''): Person {
    const shown = this.#session.names.nameOf(author, name)
    return {
      name: isSigned(author) ? `${shown}${mark}` : shown,
      ...(isSigned(author) && { key: author }),
      isKnown: this.#session.isKnown(author),
      isOwn: this.#session.isOurs({ author }),
    }
  }

  /** The delivery of a line of the user. */
  delivery({ author, run, seq }: Message): Delivery | undefined {
    const { room } = this.#session
    if (author !== room.id) return undefined
    const replicas = room.replicasOf({ run, seq })
    const { on, left, strangers = 0 } = replicas
    return { text: deliveryText(replicas, room.room), isDelivered: on + left + strangers > 0 }
  }

  #change(message: Message & { readonly kind: 'nick' | 'topic' }): Row {
    const { author, username } = message
    const before = message.kind === 'nick' ? message.before : undefined
    const person = this.person(author, username)
    const shown = before === undefined ? person.name : this.person(author, before).name
    const action = actionOf(person.name, message, before === undefined ? {} : { before: shown })
    return {
      kind: 'change',
      ...placeOf(message),
      author: before === undefined ? person : { ...person, name: shown },
      text: sanitise(`${action?.text ?? ''}${action?.renamed ?? ''}`).trim(),
    }
  }

  #line(message: Message, { isWhole = false, isRaw = false, isLate = false }: RowStyle): LineRow {
    const { references, room, nick } = this.#session
    const id = idOf(message)
    const { author, username } = message
    const isOwn = author === room.id
    const person = this.person(author, username, this.#mark(message))
    const said = isRaw ? message.message : (references.lines.textOf(id) ?? message.message)
    const whole = harmless(this.#shownText(message, person.name, said))
    const text = isWhole || person.isKnown ? whole : folded(whole)
    const delivery = this.delivery(message)
    const about = this.#about(message)
    const form =
      message.kind === 'action' || message.kind === 'reply' || message.kind === 'file' ? message.kind : 'text'
    return {
      kind: 'line',
      ...placeOf(message),
      ...(message.label !== undefined && { label: message.label }),
      author: person,
      form,
      text,
      segments: segmentsOf(text, this.#mentionNames),
      isFolded: text.length < whole.length,
      ...(about !== undefined && { about }),
      reactions: isRaw ? [] : this.#reactions(id),
      isEdited: !isRaw && references.lines.editsOf(id).length > 0,
      isMention: !isOwn && concerns(message, room.id, [room.me, nick]),
      isLate,
      isAhead: message.isAhead === true,
      ...(delivery !== undefined && { delivery }),
      ...(message.kind === 'file' && { file: this.#file(message, person) }),
    }
  }

  /** The text after the name. An action that imitates the program's words begins with a colon. */
  #shownText(message: Message, name: string, text: string): string {
    if (message.kind === 'file') return ''
    if (message.kind !== 'action') return text
    return (actionOf(name, message, { text })?.text ?? '').trim()
  }

  #mark({ timeMs, isAhead }: Message): string {
    if (timeMs > this.#now() + AHEAD_MS_MAX) return ' (clock ahead)'
    return isAhead ? ' (dated ahead)' : ''
  }

  #about(message: Message): Reference | undefined {
    const to = message.kind === 'reply' ? targetOf(message) : undefined
    if (to === undefined) return undefined
    const { references } = this.#session
    const id = keyOfTarget(to)
    return {
      ...(references.lines.at(id) !== undefined && { id }),
      text: sanitise(references.aboutOf(message).about ?? ''),
    }
  }

  #reactions(id: string): Reaction[] {
    const { references, room } = this.#session
    return references.lines
      .reactionsTo(id, author => this.#session.isHidden(author))
      .map(({ emoji, authors }) => ({
        emoji: sanitise(emoji),
        count: authors.length,
        isOwn: authors.includes(room.id),
        names: authors.slice(0, NAMES_MAX).map(author => this.#nameOf(author)),
      }))
  }

  #nameOf(author: AuthorId): string {
    const { people, names, room } = this.#session
    const name = author === room.id ? this.#session.nick : people.nameOf(author)
    return name === undefined ? shortKey(author) : names.nameOf(author, name)
  }

  #file(message: Message & { readonly kind: 'file' }, { isKnown }: Person): File {
    const { name, size } = message
    const isPicture = isShowable(message)
    return {
      name: sanitise(name),
      bytes: size,
      size: sizeText(size),
      isPicture,
      isShownUnasked: isPicture && isKnown && size <= UNASKED_BYTES_MAX,
    }
  }

  get #mentionNames(): MentionNames {
    const { room, nick, people } = this.#session
    return { own: [...new Set([room.me, nick])], isKnown: name => people.find(name).length > 0 }
  }
}

const placeOf = (message: Message) => ({
  id: idOf(message),
  order: orderOf(message),
  at: message.timeMs,
  day: dayOf(message.timeMs),
})

const gapOf = (gap: Parameters<typeof gapLine>[0]) =>
  ({ kind: 'gap', count: gap.count, state: gap.state, text: gapLine(gap) }) as const

/** The beginning of a long text. */
function folded(text: string): string {
  const lines = text.split('\n').slice(0, FOLDED_LINES_MAX).join('\n')
  if (lines.length <= FOLDED_LENGTH_MAX) return lines
  return [...lines.slice(0, 2 * FOLDED_LENGTH_MAX)].slice(0, FOLDED_LENGTH_MAX).join('')
}
