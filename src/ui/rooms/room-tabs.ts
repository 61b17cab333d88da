import { EventEmitter } from 'node:events'
import { errorLine, reasonOf } from '../../base/errors.js'
import { checkRoomName, shownRoom } from '../../base/names.js'
import type { Face } from '../../host/client/face.js'
import type { Ring } from '../alerts.js'
import type { OpenRoom } from '../commands/context.js'
import type { Notices } from '../notices.js'
import { type Hidden, RoomTab } from './room-tab.js'
import type { SavedRooms } from './saved-rooms.js'

/** A face that is attached to a room, and what its node reports. */
export interface AttachedFace {
  readonly face: Face
  readonly notices: Notices
}

interface RoomTabsEvents {
  /** The unread messages of a room that is not shown have changed. */
  change: []
  /** A message arrived that calls for a notification, in a room that is not shown. */
  ring: [Omit<Ring, 'isShown'>]
}

/** The rooms that a face has open, in the order in which they were opened. One of them is shown. */
export class RoomTabs extends EventEmitter<RoomTabsEvents> {
  readonly #tabs: RoomTab[] = []
  readonly #saved: SavedRooms
  readonly #attach: (room: string) => Promise<AttachedFace>
  #shown: RoomTab
  readonly #opening = new Map<string, Promise<RoomTab>>()
  /** Saved rooms that are still to be opened; undefined before `reopen`. */
  #waiting: string[] | undefined
  /** Rooms with new messages, as the node reported before `reopen`. */
  readonly #news: string[] = []
  #hiddenIn: (room: string) => Hidden = () => ({ hidden: new Set() })
  #hasEnded = false

  #onEnded: () => void = () => {}
  /** Resolves when the face of an open room cannot continue. */
  readonly ended: Promise<void>

  constructor(first: AttachedFace, saved: SavedRooms, attach: (room: string) => Promise<AttachedFace>) {
    super()
    this.#saved = saved
    this.#attach = attach
    this.ended = new Promise(resolve => {
      this.#onEnded = resolve
    })
    this.#shown = this.#add(first)
  }

  get all(): readonly RoomTab[] {
    return this.#tabs
  }

  get shown(): RoomTab {
    return this.#shown
  }

  get badges(): OpenRoom[] {
    return this.#tabs.map((tab, index) => ({
      number: index + 1,
      room: tab.room,
      isShown: tab === this.#shown,
      isParked: tab.isParked,
      unread: tab.unread,
      mentions: tab.mentions,
    }))
  }

  show(tab: RoomTab): void {
    this.#shown = tab
  }

  /** The room with this number, unless it is shown already. */
  at(number: number): RoomTab | undefined {
    return this.#other(this.#tabs[number - 1])
  }

  /** The room with the most mentions, else the one with the most unread messages; undefined if there is nothing to read. */
  get urgent(): RoomTab | undefined {
    const [first] = this.#tabs
      .filter(({ unread }) => unread > 0)
      .sort((a, b) => b.mentions - a.mentions || b.unread - a.unread)
    return this.#other(first)
  }

  /** Opens a room, or finds it among the open ones. Rejects with a ChatError. */
  async join(name: string): Promise<RoomTab> {
    const room = checkRoomName(name.replace(/^#/, ''))
    const known = this.#tabs.find(tab => tab.room === room) ?? this.#opening.get(room)
    if (known !== undefined) return known
    const opening = this.#attach(room).then(attached => this.#add(attached))
    this.#opening.set(room, opening)
    try {
      const tab = await opening
      this.#save(this.#saved.add(tab.room))
      return tab
    } finally {
      this.#opening.delete(room)
    }
  }

  /**
   * Opens the saved rooms that are not open; later calls do nothing. Opens them one by one, so that the shown room is
   * not slowed down. `hiddenIn` returns the people and lines of a room whose messages are not counted as unread.
   */
  async reopen(hiddenIn: (room: string) => Hidden): Promise<void> {
    if (this.#waiting !== undefined) return
    this.#hiddenIn = hiddenIn
    this.#waiting = [...this.#saved.load(), ...this.#news]
    this.#save(this.#saved.add(this.#shown.room))
    for (let room = this.#waiting.shift(); room !== undefined; room = this.#waiting.shift()) await this.#reopen(room)
  }

  /** Opens no more rooms. A room that is being opened is closed as soon as it is open. */
  end(): void {
    this.#hasEnded = true
    this.#waiting = []
  }

  /** Removes the shown room, forgets it for the next start, and returns the one to show instead; undefined if it is the only one. */
  close(): RoomTab | undefined {
    const index = this.#tabs.indexOf(this.#shown)
    const next = this.#tabs[index === 0 ? 1 : index - 1]
    if (next === undefined) return undefined
    const { room } = this.#shown
    this.#tabs.splice(index, 1)
    this.#waiting = this.#waiting?.filter(other => other !== room)
    this.#save(this.#saved.remove(room))
    return next
  }

  #add({ face, notices }: AttachedFace): RoomTab {
    const tab = new RoomTab(
      face,
      notices,
      () => this.emit('change'),
      message => this.emit('ring', { room: face.room, message, connectedAt: face.connectionSummary.openedAt }),
    )
    this.#tabs.push(tab)
    void face.ended.then(() => this.#onEnded())
    face.on('news', room => this.#open(room))
    if (this.#hasEnded) void face.close()
    return tab
  }

  /** Opens a room without showing it. Before `reopen` is called, only notes the room for `reopen`. */
  #open(room: string): void {
    if (this.#waiting === undefined) this.#news.push(room)
    else if (!this.#hasEnded) void this.#reopen(room)
  }

  async #reopen(room: string): Promise<void> {
    if (this.#tabs.some(tab => tab.room === room)) return
    try {
      const tab = await this.join(room)
      if (tab === this.#shown) return
      tab.hide(this.#hiddenIn(tab.room))
      this.emit('change')
    } catch (error) {
      this.#warn(`${shownRoom(room)} is not open: ${errorLine(error)}`)
    }
  }

  #save(saving: Promise<void>): void {
    saving.catch(error => this.#warn(`the list of open rooms cannot be saved: ${reasonOf(error)}`))
  }

  #warn(line: string): void {
    this.#shown.notices.add({ level: 'warning', line })
  }

  #other(tab: RoomTab | undefined): RoomTab | undefined {
    return tab === this.#shown ? undefined : tab
  }
}
