import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { startChat } from '../helper/chat-process.js'
import type { Cleanup } from '../helper/child.js'
import { processesOf, storm } from '../helper/node-storm.js'
import { ended, nodePid } from '../helper/running-node.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { cleanedUp, type Fault, type LongRun } from './long-run.js'

const STOP_MS = 60_000
const FACES = 4

/** The node, then a face, is stopped for a minute while lines are typed into another face. */
async function stops(cleanup: Cleanup): Promise<void> {
  const data = await temporaryDirectory(cleanup)
  const args = ['alice', '--data', data, '--no-discovery', '--listen', '127.0.0.1:0', '--plain']
  const faces = [startChat(cleanup, args), startChat(cleanup, args)]
  for (const face of faces) await face.waitForLine('info> listening on', { stream: 'stderr' })
  const [first = assert.fail(), second = assert.fail()] = faces
  const node = (await nodePid({ me: 'alice', data })) ?? assert.fail('no node runs')
  const typed: string[] = []
  for (const pid of [node, second.pid ?? 0]) {
    process.kill(pid, 'SIGSTOP')
    const end = Date.now() + STOP_MS
    while (Date.now() < end) {
      const line = `line ${typed.length}`
      typed.push(line)
      first.type(line)
      await pause(50)
    }
    process.kill(pid, 'SIGCONT')
    for (const face of faces) await face.waitForLine(`> ${typed.at(-1)}`, { timeoutMs: 60_000 })
  }
  for (const face of faces) {
    assert.deepEqual(
      face.stdout,
      typed.map(line => `alice> ${line}`),
    )
    assert.equal(await face.stop(), 0, face.transcript())
  }
  await ended(node)
  assert.deepEqual(await processesOf(data), [])
}

/** Faces and nodes are killed with -9 under load, and stopped for a minute each. */
export const nodeKills: LongRun = {
  name: 'node',
  shows: 'kill -9 and SIGSTOP of faces and nodes lose no line, store none twice and leave no process behind',
  cycles: 100,
  run: async ({ cycles, seed }) => {
    const figures = { kills: 0, typed: 0, stored: 0, stops: 0 }
    const faults: Fault[] = []
    const step = (work: (cleanup: Cleanup) => Promise<void>): Promise<unknown> =>
      cleanedUp(work).catch(error => faults.push({ text: String(error), cycles, seed }))
    for (const victim of ['face', 'node'] as const)
      await step(async cleanup => {
        const { typed, stored, kills } = await storm(cleanup, { faces: FACES, kills: cycles, victim })
        figures.kills += kills
        figures.typed += typed
        figures.stored += stored
      })
    await step(stops)
    figures.stops += 2
    return { figures, faults }
  },
}
