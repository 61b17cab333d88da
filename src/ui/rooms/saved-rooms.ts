import path from 'node:path'
import { isRoomName } from '../../base/names.js'
import { loadFields, saveFields } from '../../session/saved-json.js'

/** Equals the maximum number of rooms on one connection. */
const SAVED_ROOMS_MAX = 256

/**
 * The rooms that the terminals of a user have open, saved for the next start. The list is a file of the terminal, not rows of the
 * node: the node stores what all faces share, and line faces open one room only.
 */
export class SavedRooms {
  readonly #file: string
  #saving: Promise<void> = Promise.resolve()

  /** `directory` is the user's home. */
  constructor(directory: string) {
    this.#file = path.join(directory, 'rooms.screen')
  }

  /** The saved rooms, in the order in which they were opened. */
  load(): readonly string[] {
    const { rooms } = loadFields(this.#file)
    if (!Array.isArray(rooms)) return []
    return rooms.filter(room => typeof room === 'string' && isRoomName(room)).slice(0, SAVED_ROOMS_MAX)
  }

  /** Adds a room, unless SAVED_ROOMS_MAX are saved. Rejects with the system's error. */
  add(room: string): Promise<void> {
    return this.#change(rooms => (rooms.includes(room) ? rooms : [...rooms, room].slice(0, SAVED_ROOMS_MAX)))
  }

  /** Removes a room. Rejects with the system's error. */
  remove(room: string): Promise<void> {
    return this.#change(rooms => (rooms.includes(room) ? rooms.filter(other => other !== room) : rooms))
  }

  /** Reads the list before each change, because another terminal may have changed it. */
  #change(changed: (rooms: readonly string[]) => readonly string[]): Promise<void> {
    const saving = this.#saving.then(async () => {
      const before = this.load()
      const rooms = changed(before)
      if (rooms.length !== before.length) await saveFields(this.#file, { rooms })
    })
    this.#saving = saving.catch(() => {})
    return saving
  }
}
