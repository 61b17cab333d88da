import { draftToStart, draftToStore } from '../../../session/draft.js'
import { loadView, saveView } from '../../../session/saved-view.js'
import type { Session } from '../../../session/session.js'

/** The draft of a room, stored in its saved view, which all faces of the user share. */
export class RoomDraft {
  readonly #file: string
  readonly #session: Session
  /** The draft that this process last read or wrote. */
  #known: string
  #text: string
  #saved: Promise<void> = Promise.resolve()

  /** `isOpenElsewhere`: whether another face, in the process with this id, has the draft open. */
  constructor(file: string, session: Session, isOpenElsewhere: (pid: number) => boolean) {
    this.#file = file
    this.#session = session
    this.#known = draftToStart(loadView(file).draft, isOpenElsewhere)
    this.#text = this.#known
  }

  get text(): string {
    return this.#text
  }

  set text(text: string) {
    this.#text = text
  }

  /** Saves the draft. `pid`: the process that still edits it, if any. Rejects with the error of the system. */
  save(pid: number | undefined): Promise<void> {
    const saving = this.#saved.then(() => {
      const draft = draftToStore({ text: this.#text, pid }, loadView(this.#file).draft, this.#known)
      this.#known = this.#text === '' ? this.#known : this.#text
      return saveView(this.#file, { ...this.#session.saved, draft })
    })
    this.#saved = saving.catch(() => {})
    return saving
  }
}
