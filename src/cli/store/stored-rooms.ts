import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { ChatError } from '../../base/errors.js'
import { type EnteredRoom, NodeStore } from '../../host/server/node-store.js'
import { LOBBY } from '../../log/format/room-id.js'
import { LevelStore } from '../../log/store/level-store.js'
import { DATABASE_NAME, type Home, homeOf } from '../../node/paths.js'
import type { Where } from './stored-logs.js'

/** The rooms of a user, read from a copy of the files. */
export interface StoredRooms {
  /** Home of the user. */
  readonly directory: string
  /** Rooms with logs on this disk, in the order in which they were entered. */
  readonly rooms: readonly EnteredRoom[]
  /** Names of databases that belong to none of these rooms. */
  readonly unnamed: readonly string[]
  /** The node's data; undefined if no node has run. */
  readonly node: NodeStore | undefined
}

/**
 * Reads which rooms a user has from a copy, so that a node may run meanwhile. Rejects with DATA_UNUSABLE if the user
 * has no logs.
 */
export async function withStoredRooms<T>(
  { data, me }: Pick<Where, 'data' | 'me'>,
  action: (stored: StoredRooms) => Promise<T>,
): Promise<T> {
  const { directory } = homeOf(data, me)
  const names: string[] = await readdir(directory).catch(() => [])
  const labels = names.filter(name => DATABASE_NAME.test(name))
  if (labels.length === 0)
    throw new ChatError('DATA_UNUSABLE', `there are no logs of ${me} in ${directory}`, {
      hint: 'Say where they are with --data.',
    })
  // A version without read marks had no database for the node.
  const copy = names.includes('node') ? await LevelStore.openCopy(path.join(directory, 'node')) : undefined
  try {
    const node = copy && new NodeStore(copy.store)
    const all = [...((await node?.rooms()) ?? [])]
    if (labels.includes(LOBBY) && !all.some(({ label }) => label === LOBBY))
      all.unshift({ name: LOBBY, label: LOBBY, enteredAt: 0 })
    const rooms = all.filter(({ label }) => labels.includes(label))
    const unnamed = labels.filter(label => !all.some(room => room.label === label))
    return await action({ directory, rooms, unnamed, node })
  } finally {
    await copy?.store.close()
  }
}

/** Where a room is stored. */
export const homeOfRoom = (
  { data, me }: Pick<Where, 'data' | 'me'>,
  { name, privateRoom, direct }: EnteredRoom,
): Home => homeOf(data, me, name, privateRoom?.id ?? direct?.id)
