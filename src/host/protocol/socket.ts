import { closeSync, constants, openSync, statSync } from 'node:fs'
import { lstat, mkdir, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../../base/clock.js'
import { hash } from '../../base/crypto/hash.js'
import { systemCode } from '../../base/errors.js'
import { hexOf, utf8 } from '../../base/wire/bytes.js'

/** Longest socket path that every system supports; BSDs allow 104 bytes with the terminator. */
const PATH_BYTES_MAX = 100
const SOCKET_NAME = 'node.sock'
/** How long a node has to accept a connection. */
const CONNECT_MS_MAX = 2_000
/** Largest number of faces and commands that are connected to one node. */
const CONNECTIONS_MAX = 512
const NOT_OTHERS = 0o177
const OF_OTHERS = 0o077

const uid = (): number => process.getuid?.() ?? 0

/** A path to the socket of a home. */
interface SocketPath {
  readonly file: string
  /** A directory outside the home, which no other user may access. */
  readonly directory: string | undefined
  /** Closes the descriptor that the path goes through, if any. */
  free(): void
}

/**
 * The path of the socket in a home. A path that is too long is shortened through an open descriptor of the home. On
 * systems without /proc, the socket is in a directory of the user instead, and is named after the home's device and
 * inode.
 */
function socketPathOf(home: string): SocketPath {
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

/** Whether only this user has access to a directory. */
async function isPrivate(directory: string): Promise<boolean> {
  const found = await lstat(directory)
  return found.isDirectory() && found.uid === uid() && (found.mode & OF_OTHERS) === 0
}

/**
 * Accepts connections of this user's processes. Only the process with the home's lock may call this: an existing socket
 * is then the remainder of a crash, and is replaced. Returns a function that stops accepting. Rejects with the system's
 * error.
 */
export async function listenAt(home: string, onSocket: (socket: net.Socket) => void): Promise<() => Promise<void>> {
  const { file, directory, free } = socketPathOf(home)
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
      // The umask sets the mode of the socket, which is created before this call returns.
      const mask = process.umask(NOT_OTHERS)
      server.listen({ path: file }, resolve)
      process.umask(mask)
    })
    server.removeAllListeners('error').on('error', () => {})
    return () =>
      new Promise<void>(resolve => {
        server.close() // removes the path at once; its callback would wait for the connections
        free()
        resolve()
      })
  } catch (error) {
    free()
    throw error
  }
}

/** Whether a home has a socket. A node that crashed leaves its socket behind. */
export async function hasSocket(home: string): Promise<boolean> {
  const { file, free } = socketPathOf(home)
  try {
    return (await lstat(file)).isSocket()
  } catch {
    return false
  } finally {
    free()
  }
}

/** Connects to the node of a home; undefined if no node accepts, or if other users have access to the socket. */
export async function connectTo(home: string, clock: Clock): Promise<net.Socket | undefined> {
  let socketPath: SocketPath
  try {
    socketPath = socketPathOf(home)
  } catch {
    return undefined // there is no home
  }
  const { file, directory, free } = socketPath
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
