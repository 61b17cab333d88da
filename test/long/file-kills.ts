import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import path from 'node:path'
import type { Cleanup } from '../helper/child.js'
import { hashOf, runFileKills } from '../helper/file-kills.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { cleanedUp, type Fault, type LongRun } from './long-run.js'

const MIB = 2 ** 20
const SIZE = 200 * MIB
const KILLS = 10
/** Largest share of the file that may be sent twice. */
const TWICE_MAX = 0.1

/** Returns the share of the file that was sent more than once, including bytes that are not content. */
async function fileIn(cleanup: Cleanup): Promise<number> {
  const directory = await temporaryDirectory(cleanup)
  const file = path.join(directory, 'film.bin')
  const handle = await open(file, 'wx')
  for (let at = 0; at < SIZE; at += MIB) await handle.writeFile(randomBytes(MIB))
  await handle.close()
  const { hash, sent } = await runFileKills(cleanup, { file, size: SIZE, directory, kills: KILLS })
  assert.equal(hash, await hashOf(file))
  const twice = sent / SIZE - 1
  assert.ok(twice <= TWICE_MAX, `${(100 * twice).toFixed(1)} % were sent twice`)
  return twice
}

/** Transfers a file of 200 MiB while both sides are killed ten times. */
export const fileKills: LongRun = {
  name: 'file-kills',
  shows: 'a file arrives whole though both sides are killed ten times, and at most a tenth of it is sent twice',
  cycles: 3,
  async run({ cycles, seed, isOver = () => false }) {
    const faults: Fault[] = []
    let most = 0
    for (let cycle = 0; cycle < cycles && !isOver(); cycle++)
      await cleanedUp(async cleanup => {
        most = Math.max(most, await fileIn(cleanup))
      }).catch(error => faults.push({ seed, cycles: 1, text: (error as Error).message }))
    return { figures: { 'most sent twice, in percent': Math.round(1_000 * most) / 10 }, faults }
  },
}
