import type { TestContext } from 'node:test'
import type { KnownPeople } from '../../src/log/known-people.js'
import type { NodeEvent } from '../../src/node/events.js'
import { openNode } from '../../src/node/open-node.js'
import type { Room } from '../../src/node/room.js'
import type { Cleanup } from '../helper/child.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { type HostileOptions, HostilePeer } from './hostile-peer.js'

export interface Victim {
  readonly room: Room
  readonly port: number
  readonly data: string
  readonly events: readonly NodeEvent[]
}

export interface VictimOptions {
  readonly peers?: readonly string[]
  readonly data?: string
  readonly known?: KnownPeople
  readonly diskBytesMax?: number
}

/** A node in this process, on a port of loopback, in the lobby. */
export async function victim(cleanup: Cleanup, name: string, options: VictimOptions = {}): Promise<Victim> {
  const { peers = [], data = await temporaryDirectory(cleanup), diskBytesMax } = options
  const node = await openNode({ name, data, discovery: false, ...(diskBytesMax !== undefined && { diskBytesMax }) })
  cleanup.after(() => node.close())
  const events: NodeEvent[] = []
  node.on('event', event => events.push(event))
  const room = await node.room('lobby', { peers, listen: '127.0.0.1:0' })
  return { room, port: Number(room.address.split(':').at(-1)), data, events }
}

/** Resolves when a condition holds. Checks it after each event of the room, and gives up after `ms`. */
export function until(room: Room, isSo: () => boolean, ms: number): Promise<boolean> {
  return new Promise(resolve => {
    const check = (): void => {
      if (isSo()) end(true)
    }
    // Check after the other listeners of the same event.
    const look = (): void => void setImmediate(check)
    const timer = setTimeout(() => end(isSo()), ms)
    // Entries that were shown before are stored again without an event, so check at intervals too.
    const again = setInterval(look, 100)
    const end = (result: boolean): void => {
      clearTimeout(timer)
      clearInterval(again)
      room.off('heads', look).off('change', look).off('event', look)
      resolve(result)
    }
    room.on('heads', look).on('change', look).on('event', look)
    check()
  })
}

/** The last seq that a room stores of the log of a key. */
export const storedOf = (room: Room, key: string): number => room.heads.find(({ author }) => author === key)?.seq ?? 0

/** A hostile peer that is connected to a victim. */
export async function hostile(t: TestContext, { port }: Victim, options: HostileOptions = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.dial(port, options)
  t.after(() => peer.end())
  return peer
}
