import { fuzzNative, fuzzRelayed, NATIVE_SHAPES } from '../helper/fuzz-native.js'
import { fuzzScuttleup, SHAPES, strangersSession } from '../helper/fuzz-scuttleup.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import type { Fault, LongRun } from './long-run.js'

/** Tries per seed. */
const CHUNK = 20_000
const MEMORY_MIB_MAX = 16
/** The kinds that successive chunks fuzz. The seed selects the first. */
const KINDS = ['scuttleup', 'native', 'scuttleup', 'native', 'relayed'] as const

/** Every reason to reject signed entries and native frames. Each must occur. */
const REASONS = [
  'rejected: gap',
  'rejected: invalid-entry',
  'rejected: invalid-signature',
  'rejected: malformed-author',
  'rejected: malformed-entry',
  'frame-too-long',
  'rejected: unsigned-contradiction',
  'malformed-segment',
  'malformed-segments',
  'malformed-heads',
  'malformed-head',
  'malformed-unsigned-entry',
  'malformed-fork-proof',
  'malformed-segment-request',
  'malformed-entry',
  'a malformed presence frame',
  'contacts that are none',
]

/** The effects of a scuttleup session. Each must occur, so that changes reach every state. */
const EFFECTS = ['entries', 'segments', 'serve', 'end', 'rejected', 'close']
const EFFECTS_ONE_IN = 1_000

/** Messages of both protocols with one changed field each, in process. */
export const fuzz: LongRun = {
  name: 'fuzz',
  shows: 'messages with one changed field violate no invariant, store no foreign entry, and do not grow memory',
  cycles: 100_000_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const shapes = SHAPES.length + NATIVE_SHAPES.length
    const figures = { tries: 0, scuttleup: 0, native: 0, relayed: 0, shapes, effects: 0, stored: 0, falseProofs: 0 }
    const reasons = new Set<string>()
    const faults: Fault[] = []
    let before: number | undefined
    let grownMiB = 0
    for (let chunk = 0; figures.tries < cycles && !isOver(); chunk++) {
      const frames = Math.min(CHUNK, cycles - figures.tries)
      const kind = KINDS[(seed + chunk) % KINDS.length] ?? 'native'
      const fail = (text: string): void => void faults.push({ seed: seed + chunk, cycles: frames, text })
      if (kind === 'scuttleup') {
        const { fault, effects } = fuzzScuttleup(strangersSession, seed + chunk, frames)
        if (fault !== undefined) fail(fault)
        for (const [effect, count] of effects) {
          figures.effects += count
          if (count > frames / EFFECTS_ONE_IN) reasons.add(effect)
        }
      } else {
        try {
          const outcome = (kind === 'native' ? fuzzNative : fuzzRelayed)({ frames, seed: seed + chunk })
          figures.stored += outcome.stored
          figures.falseProofs += outcome.proofs
          for (const reason of outcome.reasons) reasons.add(reason)
        } catch (error) {
          fail((error as Error).message)
        }
      }
      figures.tries += frames
      figures[kind] += frames
      // The first run of each kind allocates memory that is never freed.
      if (chunk % KINDS.length !== KINDS.length - 1) continue
      before ??= heapBytes()
      grownMiB = Math.max(grownMiB, Math.round((heapBytes() - before) / MEGABYTE))
    }
    const unmet = [...REASONS.filter(reason => !reasons.has(reason)), ...EFFECTS.filter(effect => !reasons.has(effect))]
    if (cycles >= KINDS.length * CHUNK && unmet.length > 0 && !isOver())
      faults.push({ seed, cycles, text: `never occurred: ${unmet.join(', ')}` })
    if (grownMiB > MEMORY_MIB_MAX) faults.push({ seed, cycles, text: `${grownMiB} MiB more are in use` })
    return { figures: { ...figures, grownMiB }, faults }
  },
}
