import { createSocket } from 'node:dgram'
import { resolve } from 'node:path'
import toPort from 'hash-to-port'
import { Child, type Cleanup } from './child.js'
import type { Host } from './network.js'

// Compiled tests run from dist/ in the root of the repository; these programs stay in the source tree.
const PROGRAM = resolve('test/interop/scuttleup/persisted-chat.cjs')
const SHIM = resolve('test/interop/scuttleup/shim.cjs')

const PROBE_MS = 1_000

export interface ScuttleupPeerOptions {
  /** A name, found by multicast DNS, or an address as `host:port`. */
  readonly me: string
  readonly peers?: readonly string[]
  /** The database directory. */
  readonly data: string
  /** The name in its messages; `me` by default. */
  readonly username?: string
}

/**
 * Starts a chat on the scuttleup packages. It prints `info> listening as <address>`, `info> direct connection to <address>` and
 * `<username>> <message>`, and posts every line of its input.
 *
 * Of two such peers, the one with the lower address, as a string, redials for ever; the other dials once. So the one with the
 * lower address has to list the other, or start first.
 */
export function startScuttleup(cleanup: Cleanup, { me, peers = [], data, username = me }: ScuttleupPeerOptions): Child {
  return new Child(cleanup, process.execPath, {
    args: ['-r', SHIM, PROGRAM, me, ...peers],
    env: { SCUTTLEUP_DATA: data, SCUTTLEUP_USERNAME: username },
  })
}

/** The same on another host. */
export function startScuttleupIn(host: Host, { me, peers = [], data, username = me }: ScuttleupPeerOptions): Child {
  const env = { SCUTTLEUP_DATA: data, SCUTTLEUP_USERNAME: username }
  return host.start(process.execPath, ['-r', SHIM, PROGRAM, me, ...peers], env)
}

/** The address of a scuttleup peer with this name: `<name>.local:<hashed port>`. */
export function addressOf(name: string): string {
  return `${name}.local:${toPort(name)}`
}

/** Whether multicast is looped back here: without it the scuttleup peer exits at its first name. */
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
