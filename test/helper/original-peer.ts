import { createSocket } from 'node:dgram'
import { resolve } from 'node:path'
import toPort from 'hash-to-port'
import { Child, type Cleanup } from './child.js'
import type { Host } from './network.js'

// Compiled tests run from dist/, these stay in the source tree: tests run with the repository root as directory.
const PROGRAM = resolve('test/interop/original/persisted-chat.cjs')
const SHIM = resolve('test/interop/original/shim.cjs')

const PROBE_MS = 1_000

export interface OriginalPeerOptions {
  /** A name, found by multicast DNS, or an address (`host:port`), taken as it is. */
  readonly me: string
  readonly peers?: readonly string[]
  /** The database directory. */
  readonly data: string
  /** Who speaks; `me` unless told. */
  readonly username?: string
}

/**
 * Starts the original program of seed 003. It prints `info> listening as <address>`,
 * `info> direct connection to <address>` and `<username>> <message>`; every line typed is said.
 *
 * Of two originals the one with the lower address, as strings, redials for ever; the higher one dials once. So a pair
 * meets in any order as long as the lower one lists the higher one; a higher one that alone lists a lower one must start
 * after it.
 */
export function startOriginal(cleanup: Cleanup, { me, peers = [], data, username = me }: OriginalPeerOptions): Child {
  return new Child(cleanup, process.execPath, {
    args: ['-r', SHIM, PROGRAM, me, ...peers],
    env: { ORIGINAL_DATA: data, ORIGINAL_USERNAME: username },
  })
}

/** The same on another host. */
export function startOriginalIn(host: Host, { me, peers = [], data, username = me }: OriginalPeerOptions): Child {
  const env = { ORIGINAL_DATA: data, ORIGINAL_USERNAME: username }
  return host.start(process.execPath, ['-r', SHIM, PROGRAM, me, ...peers], env)
}

/** The address by which an original calls itself and others: `<name>.local:<hashed port>`. */
export function addressOf(name: string): string {
  return `${name}.local:${toPort(name)}`
}

/** Whether a multicast sent here comes back: without it the original ends on its first name. */
export async function hasMulticast(): Promise<boolean> {
  const group = '224.0.0.251'
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    return await new Promise<boolean>(settle => {
      const timer = setTimeout(() => settle(false), PROBE_MS)
      socket.on('error', () => settle(false))
      socket.on('message', () => settle(true))
      socket.on('close', () => clearTimeout(timer))
      socket.bind(0, () => {
        try {
          socket.addMembership(group)
          socket.send('probe', socket.address().port, group, error => error && settle(false))
        } catch {
          settle(false)
        }
      })
    })
  } finally {
    socket.close()
  }
}
