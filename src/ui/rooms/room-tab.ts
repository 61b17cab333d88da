import { isLine } from '../../chat/kinds/kinds.js'
import type { Message } from '../../chat/kinds/message.js'
import { concerns } from '../../chat/mention.js'
import { keyOfPlace } from '../../chat/views/lines.js'
import { UnreadCount } from '../../chat/views/unread-count.js'
import type { Face } from '../../host/client/face.js'
import type { Digest } from '../../log/format/heads.js'
import type { ReadMark } from '../../log/options.js'
import type { SavedView } from '../../session/saved-view.js'
import type { Notices } from '../notices.js'

/** People and lines that the user does not see, and what rings in the room. */
export type Hidden = Pick<SavedView, 'hidden' | 'hiddenLines' | 'notifyLevel'>

/** A room that a face with several rooms has open. While the room is not shown, it counts arriving messages and prints nothing. */
export class RoomTab {
  readonly face: Face
  readonly notices: Notices
  /** The command to run when the room is shown next, and the lines of a search that /next then walks to. */
  start: { readonly command: string; readonly listed: readonly string[] } | undefined
  readonly #onChange: () => void
  readonly #onRing: (message: Message) => void
  #hidden: Hidden = { hidden: new Set() }
  #count: UnreadCount | undefined
  #counting = new AbortController()

  constructor(face: Face, notices: Notices, onChange: () => void, onRing: (message: Message) => void) {
    this.face = face
    this.notices = notices
    this.#onChange = onChange
    this.#onRing = onRing
    face.on('marks', marks => this.#marked(marks))
    face.on('forgotten', log => this.#count?.forget(log))
  }

  get room(): string {
    return this.face.room
  }

  /** Messages that the user has not read; 0 while the room is shown. */
  get unread(): number {
    return this.#count?.unread ?? 0
  }

  /** Whether the node has closed the room in favour of others; showing it opens it again. */
  get isParked(): boolean {
    return this.face.isParked
  }

  /** Unread messages that mention the user. */
  get mentions(): number {
    return this.#count?.mentions ?? 0
  }

  /** The room is shown: stops counting. */
  show(): void {
    this.face.look(true)
    this.#counting.abort()
    this.#count = undefined
  }

  /** The room is no longer shown: counts what arrives, except what is hidden. */
  hide(hidden: Hidden): void {
    this.face.look(false)
    this.notices.hold()
    this.count(hidden)
  }

  /** Counts, from now on, what is unread and not hidden. */
  count(hidden: Hidden): void {
    this.#hidden = hidden
    this.#counting.abort()
    this.#counting = new AbortController()
    const { passed } = this.face
    const marks = [...this.face.readMarks].map(([author, seq]) => ({ author, seq, passed: passed.get(author) ?? [] }))
    const count = new UnreadCount(
      {
        ourId: this.face.id,
        isHidden: author => this.#hidden.hidden.has(author),
        isHiddenLine: ({ author, seq }) => this.#hidden.hiddenLines?.has(keyOfPlace(author, seq)) === true,
        isMention: message => this.#isMention(message),
      },
      marks,
    )
    this.#count = count
    void this.#read(count, marks, this.#counting.signal)
  }

  /** The user has read these logs this far, in this face. */
  read(marks: readonly Digest[]): void {
    this.face.markRead(marks)
    this.#marked(marks)
  }

  async #read(count: UnreadCount, since: readonly ReadMark[], signal: AbortSignal): Promise<void> {
    try {
      for await (const messages of this.face.batches({ live: true, since, signal })) {
        for (const message of messages) {
          count.note(message)
          if (this.#rings(message)) this.#onRing(message)
        }
        if (!signal.aborted) this.#onChange()
      }
    } catch {
      // The face has ended; it reports why.
    }
  }

  #isMention(message: Message): boolean {
    return concerns(message, this.face.id, [this.face.me])
  }

  /** Whether a message rings, by the notify level of this room. */
  #rings(message: Message): boolean {
    const { hidden, notifyLevel = 'mentions' } = this.#hidden
    if (notifyLevel === 'none' || message.author === this.face.id || hidden.has(message.author)) return false
    return notifyLevel === 'all' ? isLine(message) : this.#isMention(message)
  }

  #marked(marks: readonly ReadMark[]): void {
    if (this.#count === undefined) return
    for (const mark of marks) this.#count.markRead(mark)
    this.#onChange()
  }
}
