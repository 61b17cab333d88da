// Strangers that come and go, until the thread is ended. Messages to the run: 'full' once they filled the tables, then 'visit' for each
// visit. Messages from the run: 'leave' ends all visits until 'come'.
import { EventEmitter, once, setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { Author } from '../attack/author.js'
import { headsFrame, segmentsFrame } from '../attack/frames.js'
import { HostilePeer } from '../attack/hostile-peer.js'

const STRANGERS = 100
const STAY_MS_MAX = 30_000

interface Work {
  readonly seed: number
  readonly ports: readonly number[]
  /** Authors whose logs fill the tables of each node. */
  readonly authors: number
}

/** Authors whose logs one connection brings while the tables are being filled. */
const AUTHORS_AT_ONCE = 500
/** Time between two authors: long enough for other peers to hear of each log before it is deleted. */
const BETWEEN_MS = 20

const { seed, ports, authors }: Work = workerData
const random = new SeededRandom(seed)
let present = visiting()
const calls = new EventEmitter().setMaxListeners(0)
parentPort?.on('message', (message: 'leave' | 'come') => {
  if (message === 'leave') present.abort()
  else present = visiting()
  calls.emit(message)
})

function visiting(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** A stranger connects from one of many addresses, sends some lines, stays for some time, and leaves for good. */
async function visit({ signal }: AbortController): Promise<void> {
  const peer = await HostilePeer.dial(random.pick(ports), { from: `127.0.0.${random.whole(2, 40)}` })
  const end = (): void => peer.end()
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    const lines = new Author(peer.room, peer.keys).lines('guest', random.whole(1, 200), random.whole(1, 2_000))
    peer.send(headsFrame([]))
    await peer.sendAll(lines.map(segment => segmentsFrame([segment])))
    await pause(random.whole(0, STAY_MS_MAX), undefined, { signal })
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** Brings one line of each of many authors. */
async function fill(port: number): Promise<void> {
  for (let from = 0; from < authors; from += AUTHORS_AT_ONCE) {
    // A node that verifies logs of others may take longer than the time limit of a handshake.
    const peer = await HostilePeer.dial(port).catch(() => undefined)
    peer?.send(headsFrame([]))
    for (let author = 0; author < AUTHORS_AT_ONCE && peer?.isClosed === false; author++) {
      await peer.sendAll(new Author(peer.room).lines('guest', 1).map(segment => segmentsFrame([segment])))
      await pause(BETWEEN_MS)
    }
    await peer?.acknowledgedAll()
    peer?.end()
    if (peer === undefined) from -= AUTHORS_AT_ONCE
  }
}

await Promise.all(ports.map(fill))
parentPort?.postMessage('full')

for (let stranger = 0; stranger < STRANGERS; stranger++)
  void (async () => {
    for (;;) {
      await pause(random.whole(0, STAY_MS_MAX / 3))
      while (present.signal.aborted) await once(calls, 'come')
      await visit(present).catch(() => {})
      parentPort?.postMessage('visit')
    }
  })()
