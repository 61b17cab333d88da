import { parseArgs } from 'node:util'
import { bitFlips } from './bit-flips.js'
import { fileKills } from './file-kills.js'
import { forks } from './forks.js'
import { fullDisk } from './full-disk.js'
import { fuzz } from './fuzz.js'
import { gossip } from './gossip.js'
import { handshakes } from './handshakes.js'
import { honestStrangers } from './honest-strangers.js'
import { kill9 } from './kill9.js'
import type { Fault, LongRun } from './long-run.js'
import { membership } from './membership.js'
import { mutatedSessions } from './mutated-sessions.js'
import { mutations, roomMutations } from './mutations.js'
import { nodeKills } from './node-kills.js'
import { overlay } from './overlay.js'
import { powerCut } from './power-cut.js'
import { roomSimulation } from './room-simulation.js'
import { roomTiming } from './room-timing.js'
import { sanitiser } from './sanitise.js'
import { screen } from './screen.js'
import { simulatedStrangers } from './simulated-strangers.js'
import { simulation } from './simulation.js'
import { strangers } from './strangers.js'
import { talk } from './talk.js'
import { webScroll } from './web-scroll.js'
import { writeFailures } from './write-failures.js'

const RUNS: readonly LongRun[] = [
  kill9,
  nodeKills,
  fileKills,
  powerCut,
  writeFailures,
  fullDisk,
  bitFlips,
  forks,
  fuzz,
  handshakes,
  membership,
  mutatedSessions,
  mutations,
  roomMutations,
  roomSimulation,
  roomTiming,
  sanitiser,
  screen,
  simulation,
  talk,
  simulatedStrangers,
  gossip,
  overlay,
  honestStrangers,
  strangers,
  webScroll,
]

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    cycles: { type: 'string' },
    keep: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: 'Infinity' },
  },
})
const seed = Number(values.seed)
const end = Date.now() + Number(values.minutes) * 60_000
const names = RUNS.map(run => run.name)
if (values.only !== undefined && !names.includes(values.only)) {
  console.error(`--only takes one of ${names.join(', ')}`)
  process.exit(2)
}

for (const run of RUNS) {
  if (values.only !== undefined && values.only !== run.name) continue
  const missing = await run.missing?.()
  if (missing !== undefined) {
    console.log(`${run.name}: skipped, ${missing}`)
    continue
  }
  const started = Date.now()
  const cycles = Number(values.cycles ?? run.cycles)
  const again = ({ cycles, seed, keep }: Omit<Fault, 'text'>): string =>
    `  again: npm run test:long -- --only ${run.name} --cycles ${cycles} --seed ${seed}${keep ? ` --keep ${keep}` : ''}`
  const onThrown = (): void => console.log(`${run.name}: the run ended this process\n${again({ cycles, seed })}`)
  process.once('uncaughtExceptionMonitor', onThrown)
  const { figures, faults } = await run.run({ cycles, seed, isOver: () => Date.now() >= end, keep: values.keep })
  process.off('uncaughtExceptionMonitor', onThrown)
  const texts = Object.entries(figures).map(([name, figure]) => `${name} ${figure.toLocaleString('en')}`)
  console.log(`${run.name}: ${texts.join(', ')}; ${((Date.now() - started) / 1000).toFixed(0)} s, seed ${seed}`)
  for (const fault of faults) {
    console.log(`  ${fault.text}`)
    console.log(again(fault))
    process.exitCode = 1
  }
}
