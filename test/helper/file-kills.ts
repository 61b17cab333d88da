import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Child, type Cleanup } from './child.js'
import { freePorts } from './ports.js'

export const FILE_SCRIPT = fileURLToPath(new URL('./file-process.js', import.meta.url))
const POLL_MS = 5

export interface FileKills {
  readonly file: string
  readonly size: number
  /** Empty, for the data of both sides. */
  readonly directory: string
  /** How often both sides are killed, evenly over the file. */
  readonly kills: number
  /** Called after each kill, with the directory of the receiver's files. */
  readonly onKilled?: (directory: string) => Promise<void>
}

export interface FileKillsResult {
  /** SHA-256 of the file that was saved. */
  readonly hash: string
  /** Bytes that the sender's side sent, in all lives. */
  readonly sent: number
}

/** Counts what a listener on `target` sends to those who connect here. */
export async function countingProxy(cleanup: Cleanup, target: number) {
  const counter = { bytes: 0, port: 0 }
  const sockets = new Set<net.Socket>()
  const server = net.createServer(inner => {
    const outer = net.connect({ host: '127.0.0.1', port: target })
    outer.on('data', bytes => {
      counter.bytes += bytes.length
    })
    outer.pipe(inner)
    inner.pipe(outer)
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address !== null && typeof address === 'object') counter.port = address.port
  cleanup.after(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return counter
}

/** Sends a file from one process to another, and kills both with SIGKILL again and again until it has arrived. */
export async function runFileKills(cleanup: Cleanup, run: FileKills): Promise<FileKillsResult> {
  const { file, size, directory, kills, onKilled } = run
  const saved = path.join(directory, 'saved')
  await mkdir(saved, { recursive: true })
  const [port = 0] = await freePorts(1)
  const proxy = await countingProxy(cleanup, port)
  const start = (role: string, to: number, place: string): Child =>
    new Child(cleanup, process.execPath, { args: [FILE_SCRIPT, role, directory, String(to), place] })
  for (let life = 1; ; life++) {
    const alice = start('send', port, file)
    await alice.waitForLine('ready')
    const bob = start('get', proxy.port, saved)
    const done = bob.waitForLine('saved ').then(line => line.slice('saved '.length))
    if (life > kills) {
      const target = await done
      await Promise.all([alice.stop(), bob.stop()])
      return { hash: await hashOf(target), sent: proxy.bytes }
    }
    done.catch(() => {})
    while (proxy.bytes < (life * size) / (kills + 1)) await pause(POLL_MS)
    await Promise.all([alice.stop('SIGKILL'), bob.stop('SIGKILL')])
    await onKilled?.(path.join(directory, 'bob', 'lobby.files'))
  }
}

export async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const bytes of createReadStream(file)) hash.update(bytes)
  return hash.digest('hex')
}
