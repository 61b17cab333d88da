// Strangers that come and go, until the thread is ended: a message for each visit.
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { SeededRandom } from '../../src/base/seeded-random.js'
import { Author } from '../attack/author.js'
import { headsFrame, segmentsFrame } from '../attack/frames.js'
import { HostilePeer } from '../attack/hostile-peer.js'

const STRANGERS = 100
const STAY_MS_MAX = 30_000

const { seed, ports }: { readonly seed: number; readonly ports: readonly number[] } = workerData
const random = new SeededRandom(seed)

/** A stranger comes from one of many addresses, says some lines, stays for a while, and leaves for ever. */
async function visit(): Promise<void> {
  const peer = await HostilePeer.dial(random.pick(ports), { from: `127.0.0.${random.whole(2, 40)}` })
  try {
    const lines = new Author(peer.room, peer.keys).lines('guest', random.whole(1, 200), random.whole(1, 2_000))
    peer.send(headsFrame([]))
    await peer.sendAll(lines.map(segment => segmentsFrame([segment])))
    await pause(random.whole(0, STAY_MS_MAX))
  } finally {
    peer.end()
  }
}

for (let stranger = 0; stranger < STRANGERS; stranger++)
  void (async () => {
    for (;;) {
      await pause(random.whole(0, STAY_MS_MAX / 3))
      await visit().catch(() => {})
      parentPort?.postMessage('visit')
    }
  })()
