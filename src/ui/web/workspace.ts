import { EventEmitter } from 'node:events'
import type { Clock, Millis } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { shownRoom } from '../../base/names.js'
import { sanitise } from '../../base/safe-text.js'
import { shortKey } from '../../chat/display-names.js'
import { isLive } from '../../chat/liveness.js'
import { shownName } from '../../chat/shown-name.js'
import type { Face } from '../../host/client/face.js'
import { isSigned } from '../../log/format/author.js'
import { homeOf } from '../../node/paths.js'
import { loadView, savedViewFile } from '../../session/saved-view.js'
import { Alerts, type Ring } from '../alerts.js'
import type { RoomTab } from '../rooms/room-tab.js'
import type { RoomTabs } from '../rooms/room-tabs.js'
import type { ServerEvent } from './protocol/messages.js'
import type { ClosedRoom, Finding, NodeState, Room } from './protocol/state.js'
import { idOf } from './room/places.js'
import type { RoomView } from './room/room-view.js'
import { harmless } from './room/segments.js'
import { Throttled } from './room/throttled.js'

/** Interval between two updates of the list of rooms. */
const ROOMS_MS: Millis = 100

export interface WorkspaceParts {
  /** The first one is already open. */
  readonly rooms: RoomTabs
  readonly me: string
  readonly data: string
  readonly version: string
  readonly clock: Clock
  /** The command to run for messages that ring. */
  readonly onMention: string | undefined
  /** Finds out why these peers, names or addresses, do not connect to a room. */
  readonly doctor: (room: string, peers: readonly string[]) => Promise<readonly Finding[]>
  /** A backup sealed with a passphrase. Rejects with a ChatError. */
  readonly backup: (passphrase: string) => Promise<Uint8Array>
}

interface WorkspaceEvents {
  /** An event for every page. */
  event: [ServerEvent]
}

/** The state that all pages of a user share: the open rooms, the state of the node, and notifications. */
export class Workspace extends EventEmitter<WorkspaceEvents> {
  readonly parts: WorkspaceParts
  readonly #rooms: RoomTabs
  readonly #views = new Map<RoomTab, Set<RoomView>>()
  readonly #watched = new Set<Face>()
  readonly #changed: Throttled
  readonly #startedAt: Millis
  #kinds: ReadonlyMap<string, Room['kind']> = new Map()
  #lostAt: Millis | undefined
  /** How many people ask to talk, as pages know it. */
  #toldAsking = 0
  #nodeState = ''

  constructor(parts: WorkspaceParts) {
    super()
    this.setMaxListeners(0)
    this.parts = parts
    this.#startedAt = parts.clock.now()
    this.#rooms = parts.rooms
    this.#changed = new Throttled(parts.clock, ROOMS_MS, () => this.emit('event', this.roomsEvent))
    const { onMention } = parts
    const warn = (line: string): void => parts.rooms.shown.notices.add({ level: 'warning', line })
    const alerts = new Alerts({ command: onMention, notify: () => {}, warn, clock: parts.clock })
    this.#rooms.on('change', () => this.#update())
    this.#rooms.on('ring', ring => {
      alerts.rang({ ...ring, isShown: false })
      this.#ring(ring)
    })
  }

  /** Starts to count unread lines, and opens the rooms that were open last time. */
  async start(): Promise<void> {
    this.#rooms.shown.hide(loadView(this.viewFileOf(this.#rooms.shown.room)))
    this.#update()
    await this.#learnKinds()
    await this.#rooms.reopen(room => loadView(this.viewFileOf(room)))
    await this.#learnKinds()
  }

  close(): void {
    this.#changed.close()
    this.#rooms.end()
  }

  get me(): string {
    return this.parts.me
  }

  get clock(): Clock {
    return this.parts.clock
  }

  /** The face of any open room, for requests that concern the whole node. */
  get face(): Face {
    return this.#rooms.shown.face
  }

  get firstRoom(): string {
    return this.#rooms.shown.room
  }

  get tabs(): readonly RoomTab[] {
    return this.#rooms.all
  }

  get badges(): RoomTabs['badges'] {
    return this.#rooms.badges
  }

  viewFileOf(room: string): string {
    return savedViewFile(homeOf(this.parts.data, this.me, room).database)
  }

  /** Opens a room if it is not open. Rejects with a ChatError. */
  async open(name: string): Promise<RoomTab> {
    const known = new Set(this.#rooms.all)
    const tab = await this.#rooms.join(name)
    if (!known.has(tab) && !this.#views.has(tab)) tab.hide(loadView(this.viewFileOf(tab.room)))
    this.#update()
    if (!this.#kinds.has(tab.room)) void this.#learnKinds()
    return tab
  }

  /** The open room of a name. Throws BAD_USAGE. */
  tab(name: string): RoomTab {
    const tab = this.#rooms.all.find(each => each.room === name)
    if (tab === undefined) throw new ChatError('BAD_USAGE', `${sanitise(shownRoom(name))} is not open`)
    return tab
  }

  /** Closes a room; returns another one to show. Throws BAD_USAGE for the only one. */
  closeRoom(name: string): RoomTab {
    const tab = this.tab(name)
    const before = this.#rooms.shown
    this.#rooms.show(tab)
    const next = this.#rooms.close()
    this.#rooms.show(next === undefined || before !== tab ? before : next)
    if (next === undefined) throw new ChatError('BAD_USAGE', `${shownRoom(name)} is the only open room`)
    this.#views.delete(tab)
    void tab.face.close()
    this.#update()
    return next
  }

  /** A page shows this room. */
  show(view: RoomView): void {
    const { tab } = view
    const views = this.#views.get(tab) ?? new Set()
    this.#views.set(tab, views.add(view))
    tab.face.look(true)
    tab.notices.sendTo(notice => {
      for (const each of views) each.tell(notice)
    })
  }

  hide(view: RoomView): void {
    const { tab } = view
    const views = this.#views.get(tab)
    if (views === undefined || !views.delete(view) || views.size > 0) return
    this.#views.delete(tab)
    tab.face.look(false)
    tab.notices.hold()
  }

  get roomsEvent(): ServerEvent {
    const rooms = this.#rooms.all.map(({ room, unread, mentions, isParked }) => ({
      name: room,
      shown: shownRoom(room),
      kind: this.#kindOf(room),
      unread,
      mentions,
      isParked,
    }))
    return { kind: 'rooms', rooms, asking: this.#asking }
  }

  get nodeEvent(): ServerEvent {
    return { kind: 'node', node: this.#nodeNow }
  }

  /** The rooms of the user that are not open. Rejects with a ChatError. */
  async closedRooms(): Promise<ClosedRoom[]> {
    await this.#learnKinds()
    const open = new Set(this.#rooms.all.map(({ room }) => room))
    return [...this.#kinds].flatMap(([name, kind]) => (open.has(name) ? [] : [{ name, shown: shownRoom(name), kind }]))
  }

  #kindOf(room: string): Room['kind'] {
    return this.#kinds.get(room) ?? (room.startsWith('@') ? 'direct' : 'public')
  }

  /** Asks the node which rooms are private. */
  async #learnKinds(): Promise<void> {
    const kinds = new Map<string, Room['kind']>()
    try {
      for await (const { room, kind } of this.face.command({ do: 'rooms' }))
        if (typeof room === 'string') kinds.set(room, kind === 'private' || kind === 'direct' ? kind : 'public')
      this.#kinds = kinds
      this.#changed.call()
    } catch {
      // The node is older and does not report this, or it is lost: keeps the last known value.
    }
  }

  #update(): void {
    for (const { face } of this.#rooms.all) {
      if (this.#watched.has(face)) continue
      this.#watched.add(face)
      face.on('change', () => {
        this.#nodeChanged()
        this.#askingChanged()
      })
      void face.ended.then(() => this.#nodeChanged())
    }
    this.#nodeChanged()
    this.#changed.call()
  }

  /** Tells pages when a message request arrives or is answered: no room changes then. */
  #askingChanged(): void {
    const asking = this.#asking
    if (asking === this.#toldAsking) return
    this.#toldAsking = asking
    this.#changed.call()
  }

  get #asking(): number {
    return this.face.people.asking?.length ?? 0
  }

  #nodeChanged(): void {
    const event = this.nodeEvent
    const text = JSON.stringify(event)
    if (text === this.#nodeState) return
    this.#nodeState = text
    this.emit('event', event)
    this.#changed.call()
  }

  get #nodeNow(): NodeState {
    const faces = this.#rooms.all.map(({ face }) => face)
    const end = faces.find(face => face.end !== undefined)?.end
    if (end !== undefined)
      return { state: 'ended', text: end.error === undefined ? `${this.me} was stopped` : sanitise(end.error.message) }
    const isLost = faces.some(face => face.isLost || face.isSilent)
    this.#lostAt = isLost ? (this.#lostAt ?? this.clock.now()) : undefined
    if (this.#lostAt === undefined) return { state: 'here', text: 'the node is running' }
    return {
      state: 'silent',
      text: 'the node does not answer: what you send waits until it does, or until another one runs',
      since: this.#lostAt,
    }
  }

  /** Sends notifications for messages that arrive from now on, not for the history. */
  #ring({ room, message, connectedAt = 0 }: Omit<Ring, 'isShown'>): void {
    const now = this.clock.now()
    const { people } = this.face
    if (!isLive(message.timeMs, { now, startedAt: this.#startedAt, connectedAt, isOurs: false })) return
    const { author, username } = message
    const isPinned = people.pins.some(({ key, name }) => key === author && name === username)
    this.emit('event', {
      kind: 'ring',
      room,
      shown: shownRoom(room),
      author: isPinned ? username : `${shownName(username)} (${isSigned(author) ? shortKey(author) : 'unsigned'})`,
      text: harmless(message.message),
      line: idOf(message),
    })
  }
}
