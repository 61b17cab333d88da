import { fuzzNative, fuzzRelayed, NATIVE_SHAPES } from '../helper/fuzz-native.js'
import { fuzzScuttleup, SHAPES, strangersSession } from '../helper/fuzz-scuttleup.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import type { Fault, LongRun } from './long-run.js'

/** Tries under one seed. */
const CHUNK = 20_000
const MEMORY_MIB_MAX = 16
/** What is fuzzed follows from the seed: of so many chunks in a row each kind has its share. */
const KINDS = ['scuttleup', 'native', 'scuttleup', 'native', 'relayed'] as const

/** All that may be wrong with signed entries, and all that one of ours may say wrongly: each must have been met. */
const REASONS = [
  /^entry N is missing before entry N$/,
  /^entry N is invalid$/,
  /^the signature at entry N is invalid$/,
  /the author id is malformed/,
  /an entry is not a JSON object/,
  /^a frame of over N bytes$/,
  /^entry N does not continue the log, and its signature is invalid$/,
  /^a malformed segment$/,
  /^malformed segments$/,
  /^malformed heads$/,
  /^a malformed head$/,
  /^a malformed unsigned entry$/,
  /^a malformed fork proof$/,
  /^a malformed segment request$/,
  /^a malformed entry$/,
  /^a malformed presence frame$/,
  /^contacts that are none$/,
]

/** What a session with an original asks for: changes must not end before they come as far as each. */
const EFFECTS = ['entries', 'segments', 'serve', 'end', 'warn', 'close']
const EFFECTS_ONE_IN = 1_000

/** Messages of both dialects, each of which is true but for one field, in process. */
export const fuzz: LongRun = {
  name: 'fuzz',
  shows: 'no change to any field of any message breaks a rule, brings in what was not said, or costs memory',
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
      // What each kind allocates once is there from then on.
      if (chunk % KINDS.length !== KINDS.length - 1) continue
      before ??= heapBytes()
      grownMiB = Math.max(grownMiB, Math.round((heapBytes() - before) / MEGABYTE))
    }
    const unmet = [
      ...REASONS.filter(reason => ![...reasons].some(met => reason.test(met))),
      ...EFFECTS.filter(effect => !reasons.has(effect)),
    ]
    if (cycles >= KINDS.length * CHUNK && unmet.length > 0 && !isOver())
      faults.push({ seed, cycles, text: `never met: ${unmet.join(', ')}` })
    if (grownMiB > MEMORY_MIB_MAX) faults.push({ seed, cycles, text: `${grownMiB} MiB more are in use` })
    return { figures: { ...figures, grownMiB }, faults }
  },
}
