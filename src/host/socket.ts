import { closeSync, constants, openSync, statSync } from 'node:fs'
import { lstat, mkdir, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../base/clock.js'
import { hash } from '../base/crypto/hash.js'
import { systemCode } from '../base/errors.js'
import { hexOf, utf8 } from '../base/wire/bytes.js'

/** What the path of a socket may take on every system; BSDs allow 104 with its end. */
const PATH_BYTES_MAX = 100
const SOCKET_NAME = 'node.sock'
/** How long a node has to accept a connection. */
const CONNECT_MS_MAX = 2_000
/** Faces and commands that are connected to one node. */
const CONNECTIONS_MAX = 64
const NOT_OTHERS = 0o177
const OF_OTHERS = 0o077

const uid = (): number => process.getuid?.() ?? 0

/** A path by which the socket of a home can be reached, and what frees it after use. */
interface Place {
  readonly file: string
  /** A directory besides the home that has to be the user's alone. */
  readonly directory: string | undefined
  free(): void
}

/**
 * The socket lies in the home. Where that path is too long for a socket it is reached through an open descriptor of the home,
 * or, on systems that lack /proc, lies in a directory of the user named after the home's device and inode.
 */
function placeOf(home: string): Place {
  const full = path.resolve(home, SOCKET_NAME)
  const near = [path.relative('', full), full].find(file => Buffer.byteLength(file) <= PATH_BYTES_MAX)
  if (near !== undefined) return { file: near, directory: undefined, free: () => {} }
  if (process.platform === 'linux') {
    const descriptor = openSync(home, constants.O_RDONLY | constants.O_DIRECTORY)
    const file = `/proc/self/fd/${descriptor}/${SOCKET_NAME}`
    return { file, directory: undefined, free: () => closeSync(descriptor) }
  }
  const { dev, ino } = statSync(home)
  const directory = path.join(os.tmpdir(), `persisted-chat-${uid()}`)
  const file = path.join(directory, hexOf(hash(utf8(`${dev}:${ino}`))).slice(0, 16))
  return { file, directory, free: () => {} }
}

/** Whether nobody but this user can put a file into a directory. */
async function isPrivate(directory: string): Promise<boolean> {
  const found = await lstat(directory)
  return found.isDirectory() && found.uid === uid() && (found.mode & OF_OTHERS) === 0
}

/**
 * Accepts connections of this user's processes. Only the holder of the home's lock may call this: a socket that is there was left by a
 * process that crashed, and is replaced. Gives what stops accepting. Rejects with the system's reason.
 */
export async function listenAt(home: string, onSocket: (socket: net.Socket) => void): Promise<() => Promise<void>> {
  const { file, directory, free } = placeOf(home)
  try {
    if (directory !== undefined) {
      await mkdir(directory, { mode: 0o700 }).catch(error => {
        if (systemCode(error) !== 'EEXIST') throw error
      })
      if (!(await isPrivate(directory))) throw new Error(`other users have access to ${directory}`)
    }
    const found = await lstat(file).catch(() => undefined)
    if (found !== undefined && found.uid !== uid()) throw new Error(`${file} belongs to another user`)
    if (found?.isSocket()) await rm(file, { force: true })
    const server = net.createServer(onSocket)
    server.maxConnections = CONNECTIONS_MAX
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // The socket is created with its mode, before this call returns.
      const mask = process.umask(NOT_OTHERS)
      server.listen({ path: file }, resolve)
      process.umask(mask)
    })
    server.removeAllListeners('error').on('error', () => {})
    return () =>
      new Promise<void>(resolve => {
        server.close() // it waits for its connections, which this does not; the name is removed at once
        free()
        resolve()
      })
  } catch (error) {
    free()
    throw error
  }
}

/** Whether a home has a socket. A node that crashed leaves one. */
export async function hasSocket(home: string): Promise<boolean> {
  const { file, free } = placeOf(home)
  try {
    return (await lstat(file)).isSocket()
  } catch {
    return false
  } finally {
    free()
  }
}

/** A connection to the node of a home; undefined where none accepts, or the socket is not this user's alone. */
export async function connectTo(home: string, clock: Clock): Promise<net.Socket | undefined> {
  let place: Place
  try {
    place = placeOf(home)
  } catch {
    return undefined // there is no home
  }
  const { file, directory, free } = place
  try {
    const found = await lstat(file)
    if (!found.isSocket() || found.uid !== uid() || (found.mode & OF_OTHERS) !== 0) return undefined
    if (directory !== undefined && !(await isPrivate(directory))) return undefined
    return await connected(net.connect({ path: file }), clock)
  } catch {
    return undefined // nothing is there
  } finally {
    free()
  }
}

function connected(socket: net.Socket, clock: Clock): Promise<net.Socket | undefined> {
  return new Promise(resolve => {
    const cancel = clock.after(CONNECT_MS_MAX, () => socket.destroy())
    socket.once('error', () => {})
    socket.once('close', () => resolve(undefined))
    socket.once('connect', () => {
      cancel()
      socket.removeAllListeners()
      resolve(socket)
    })
  })
}
