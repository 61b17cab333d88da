import { existsSync } from 'node:fs'
import type { Clock, Millis } from '../../base/clock.js'
import { ChatError, errorLine } from '../../base/errors.js'
import { equalsIgnoringCase } from '../../base/names.js'
import { isCount } from '../../base/shape.js'
import { queryIn } from '../../node/line-search.js'
import { homeOf } from '../../node/paths.js'
import type { Pins } from '../../node/people/pins.js'
import type { Room } from '../../node/room.js'
import { withStoredSearch } from '../../node/stored-search.js'
import { ALL_ROOMS, type Query } from '../../search/query.js'
import type { FoundLine, SearchOptions } from '../../search/search.js'
import type { IndexProgress } from '../../search/word-index.js'
import { type Fields, textsOf } from '../protocol/codec.js'
import { foundFields } from '../protocol/found-line.js'
import type { OnItem } from './member-commands.js'
import type { EnteredRoom, NodeStore } from './node-store.js'

/** Largest number of lines that one search finds in all rooms together: the newest ones. */
const FOUND_MAX = 2_000
/** Time between two reports of progress. */
const PROGRESS_MS: Millis = 200

interface SearchedRooms {
  /** The room of a name, if it is open. */
  openRoom(name: string): Promise<Room | undefined>
  /** Runs work while a room stays closed. */
  whileClosed<T>(name: string, work: () => Promise<T>): Promise<T>
}

interface RoomSearchesParts {
  readonly rooms: SearchedRooms
  readonly me: string
  readonly data: string
  readonly clock: Clock
  readonly store: NodeStore
  readonly pins: Pins
}

/** Searches one or all rooms of the user, open or not. */
export class RoomSearches {
  readonly #parts: RoomSearchesParts

  constructor(parts: RoomSearchesParts) {
    this.#parts = parts
  }

  /**
   * Finds lines. Calls `onItem` with each line, newest first, with the progress of the search and, while the index is
   * being built, with its progress. Without `in:`, searches `room`, or all rooms if it is omitted. Rejects with
   * BAD_USAGE.
   */
  async run({ text, room, hidden, limit }: Fields, onItem: OnItem, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts
    const query = queryIn(typeof text === 'string' ? text : '', clock.now())
    const rooms = await this.#roomsOf(query, typeof room === 'string' ? room : ALL_ROOMS)
    const count = Math.min(FOUND_MAX, isCount(limit) ? limit : FOUND_MAX)
    const notShown = new Set<string>([...(await store.hidden()), ...(textsOf(hidden) ?? [])])
    const options = { isHidden: (author: string) => notShown.has(author), signal }
    const [only] = rooms
    if (only !== undefined && rooms.length === 1) return this.#searchOne(only, query, { count, options, onItem })
    const found: { readonly room: string; readonly line: FoundLine }[] = []
    for (const { name, ...entered } of rooms) {
      if (signal.aborted) return
      const onFound = (line: FoundLine): void => void found.push({ room: name, line })
      await this.#search({ name, ...entered }, query, { count, options, onItem, onFound }).catch(error =>
        onItem({ is: 'failed-room', room: name, why: errorLine(error) }),
      )
    }
    found.sort((a, b) => (a.line.entry.at > b.line.entry.at ? -1 : 1))
    for (const { room: name, line } of found.slice(0, count)) onItem(foundFields(name, line))
  }

  #searchOne(room: EnteredRoom, query: Query, how: Omit<HowToSearch, 'onFound'>): Promise<void> {
    return this.#search(room, query, { ...how, onFound: line => how.onItem(foundFields(room.name, line)) })
  }

  async #search(room: EnteredRoom, query: Query, how: HowToSearch): Promise<void> {
    const { rooms, data, me, pins } = this.#parts
    const { name, privateRoom, direct } = room
    const open = await rooms.openRoom(name)
    if (open !== undefined)
      return this.#collect(
        name,
        options => open.found(query, options),
        () => open.indexProgress(),
        how,
      )
    const home = homeOf(data, me, name, privateRoom?.id ?? direct?.id)
    if (!existsSync(home.database)) return
    await rooms.whileClosed(name, () =>
      withStoredSearch(home, { privateRoom, pins }, search =>
        this.#collect(name, options => search.lines(query, options), undefined, how),
      ),
    )
  }

  async #collect(
    room: string,
    find: (options: SearchOptions) => AsyncGenerator<FoundLine>,
    indexed: (() => Promise<IndexProgress>) | undefined,
    { count, options, onItem, onFound }: HowToSearch,
  ): Promise<void> {
    const { clock } = this.#parts
    let reportedAt = clock.now()
    const onProgress = (done: number, of: number): void => {
      if (clock.now() - reportedAt < PROGRESS_MS) return
      reportedAt = clock.now()
      onItem({ is: 'progress', room, done, of })
    }
    let left = count
    for await (const line of find({ ...options, onProgress })) {
      onFound(line)
      if (--left <= 0) break
    }
    const { done, of } = (await indexed?.()) ?? { done: 0, of: 0 }
    if (done < of) onItem({ is: 'indexing', room, done, of })
  }

  /** The rooms that a query names, or `asked` if it names none. Rejects with BAD_USAGE if there is no such room. */
  async #roomsOf(query: Query, asked: string): Promise<readonly EnteredRoom[]> {
    const { store, me } = this.#parts
    const entered = await store.rooms()
    const names = query.rooms.length === 0 ? [asked] : query.rooms
    if (names.some(name => equalsIgnoringCase(name, ALL_ROOMS) && !entered.some(room => room.name === name)))
      return entered
    return names.map(name => {
      const room = entered.find(each => each.name === name) ?? entered.find(each => equalsIgnoringCase(each.name, name))
      if (room !== undefined) return room
      throw new ChatError('BAD_USAGE', `${me} has no room called ${name}`, {
        hint: `persisted-chat rooms ${me} lists your rooms; in:${ALL_ROOMS} searches all.`,
      })
    })
  }
}

interface HowToSearch {
  readonly count: number
  readonly options: SearchOptions
  readonly onItem: OnItem
  readonly onFound: (line: FoundLine) => void
}
