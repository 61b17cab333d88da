import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../base/clock.js'
import { hash } from '../base/crypto/hash.js'
import { systemCode } from '../base/errors.js'
import { hexOf, utf8 } from '../base/wire/bytes.js'

/** What the path of a socket may take on every system; BSDs allow 104 with its end. */
const PATH_BYTES_MAX = 100
/** How long a running chat has to open to another window. */
const KNOCK_MS_MAX = 2_000
/** Windows of one chat besides the first. */
const WINDOWS_MAX = 16
/** Behind the socket's name: a file with the process that opened it. */
const PID_SUFFIX = '.pid'
const NOT_OTHERS = 0o177
const OF_OTHERS = 0o077

const uid = (): number => process.getuid?.() ?? 0

/** Where the socket is: beside the database, or, where that path is too long for a socket, in a directory of the user's own. */
function placeOf(door: string): { readonly file: string; readonly directory: string | undefined } {
  const full = path.resolve(door)
  const near = [path.relative('', full), full].find(file => Buffer.byteLength(file) <= PATH_BYTES_MAX)
  if (near !== undefined) return { file: near, directory: undefined }
  const directory = path.join(os.tmpdir(), `persisted-chat-${uid()}`)
  return { file: path.join(directory, hexOf(hash(utf8(full))).slice(0, 16)), directory }
}

/** Whether a directory is the user's alone: nobody else could have put a socket there. */
async function isOwn(directory: string): Promise<boolean> {
  const found = await lstat(directory)
  return found.isDirectory() && found.uid === uid() && (found.mode & OF_OTHERS) === 0
}

/**
 * Lets further windows in, of this user alone. To be called by whoever has the database open: a socket that is there was left
 * by a process that crashed. Gives what closes it. Rejects with the system's reason.
 */
export async function openDoor(door: string, onWindow: (socket: net.Socket) => void): Promise<() => Promise<void>> {
  const { file, directory } = placeOf(door)
  if (directory !== undefined) {
    await mkdir(directory, { mode: 0o700 }).catch(error => {
      if (systemCode(error) !== 'EEXIST') throw error
    })
    if (!(await isOwn(directory))) throw new Error(`${directory} is not yours alone`)
  }
  const found = await lstat(file).catch(() => undefined)
  if (found !== undefined && found.uid !== uid()) throw new Error(`${file} belongs to another user`)
  if (found?.isSocket()) await rm(file, { force: true })
  const server = net.createServer(onWindow)
  server.maxConnections = WINDOWS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Made with its mode, not given it afterwards; the socket is made before this call returns.
    const mask = process.umask(NOT_OTHERS)
    server.listen({ path: file }, resolve)
    process.umask(mask)
  })
  server.removeAllListeners('error').on('error', () => {})
  // Only to be named where this process does not answer: nothing else depends on it.
  const pidFile = `${file}${PID_SUFFIX}`
  await rm(pidFile, { force: true })
    .then(() => writeFile(pidFile, `${process.pid}\n`, { flag: 'wx', mode: 0o600 }))
    .catch(() => {})
  return async () => {
    const closed = new Promise<void>(resolve => void server.close(() => resolve()))
    await rm(`${file}${PID_SUFFIX}`, { force: true }).catch(() => {})
    await closed
  }
}

/** The process that opened the door last; undefined where that is not known. */
export async function doorPid(door: string): Promise<number | undefined> {
  const text = await readFile(`${placeOf(door).file}${PID_SUFFIX}`, 'utf8').catch(() => '')
  const pid = Number(text.trim())
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
}

/** A socket to the running chat; undefined where there is none, or it is not the user's own. */
export async function knock(door: string, clock: Clock): Promise<net.Socket | undefined> {
  const { file, directory } = placeOf(door)
  try {
    const found = await lstat(file)
    if (!found.isSocket() || found.uid !== uid() || (found.mode & OF_OTHERS) !== 0) return undefined
    if (directory !== undefined && !(await isOwn(directory))) return undefined
  } catch {
    return undefined // nothing is there
  }
  return new Promise(resolve => {
    const socket = net.connect({ path: file })
    const cancel = clock.after(KNOCK_MS_MAX, () => socket.destroy())
    socket.once('error', () => {})
    socket.once('close', () => resolve(undefined))
    socket.once('connect', () => {
      cancel()
      socket.removeAllListeners()
      resolve(socket)
    })
  })
}
