import { sanitise, sanitisedJson } from '../../src/base/safe-text.js'
import { DisplayNames } from '../../src/chat/display-names.js'
import type { Message } from '../../src/chat/kinds/message.js'
import type { AuthorId } from '../../src/log/format/author.js'
import { hlcAt } from '../../src/log/format/hybrid-clock.js'
import { paletteOf } from '../../src/ui/palette.js'
import { Transcript } from '../../src/ui/terminal/transcript.js'
import { forbiddenIn, NASTY, NEVER_SHOWN } from '../helper/forbidden.js'
import { between, type Chance, chance } from './chance.js'
import type { Fault, LongRun } from './long-run.js'

/** Texts per seed. */
const CHUNK = 10_000
const PARTS_MAX = 12

/** Random text of dangerous pieces, code points and code units. */
export function nastyText(random: Chance): string {
  let text = ''
  for (let parts = between(random, 0, PARTS_MAX + 1); parts > 0; parts--) {
    const kind = random()
    if (kind < 0.6) text += NASTY[between(random, 0, NASTY.length)]
    else if (kind < 0.8) text += String.fromCodePoint(between(random, 0, random() < 0.5 ? 0x3000 : 0x11_0000))
    else text += String.fromCharCode(between(random, 0, 0x1_0000))
  }
  return text
}

/** The fault of a sanitised text, undefined if there is none. */
export function faultOfText(text: string, make: (text: string) => string = sanitise): string | undefined {
  const line = make(text)
  const point = forbiddenIn(line)
  if (point !== undefined) return `${pointsOf(point)} comes out of ${pointsOf(text)}`
  if (make(line) !== line) return `what comes out of ${pointsOf(text)} is changed again`
  const json = sanitisedJson(text)
  if (NEVER_SHOWN.test(json)) return `the JSON of ${pointsOf(text)} shows what is never shown`
  return JSON.parse(json) === text ? undefined : `the JSON of ${pointsOf(text)} reads back as another`
}

const pointsOf = (text: string): string =>
  [...text].map(point => `U+${point.codePointAt(0)?.toString(16).padStart(4, '0')}`).join(' ')

/** The fault of a message as the screen shows it, undefined if there is none. */
export function faultOnScreen(username: string, message: string, columns: number): string | undefined {
  const transcript = new Transcript({
    id: READER,
    names: new DisplayNames('reader', READER),
    palette: PALETTE,
    ownNames: () => [],
  })
  transcript.columns = columns
  const said: Message = { ...SAID, username, message, kind: columns % 2 === 0 ? 'text' : 'action' }
  const rows = transcript.message(said, SAID.timeMs, 'live').text.split('\n')
  const point = rows.map(forbiddenIn).find(found => found !== undefined)
  return point && `${pointsOf(point)} is shown of ${pointsOf(username)} and ${pointsOf(message)}`
}

const READER = 'a1'.repeat(32) as AuthorId
const PALETTE = paletteOf(false)
const SAID: Message = {
  author: 'b2'.repeat(32) as AuthorId,
  run: 0,
  seq: 1,
  username: '',
  message: '',
  kind: 'text',
  at: hlcAt(1_795_000_000_000),
  timeMs: 1_795_000_000_000,
  isVerified: true,
}

/** Sanitises foreign text for a terminal. */
export const sanitiser: LongRun = {
  name: 'sanitise',
  shows: 'no forbidden code point of random text reaches lines, JSON or the screen',
  cycles: 50_000_000,
  run: async ({ cycles, seed, isOver = () => false }) => {
    const figures = { texts: 0, changed: 0 }
    const faults: Fault[] = []
    for (let chunk = 0; figures.texts < cycles && !isOver(); chunk++) {
      const random = chance(seed + chunk)
      const count = Math.min(CHUNK, cycles - figures.texts)
      for (let i = 0; i < count; i++) {
        const text = nastyText(random)
        const fault =
          faultOfText(text) ?? faultOnScreen(text, nastyText(random), i % 3 === 0 ? 40 + (i % 2) : 80 + (i % 2))
        if (fault !== undefined) faults.push({ seed: seed + chunk, cycles: i + 1, text: fault })
        if (sanitise(text) !== text) figures.changed++
      }
      figures.texts += count
    }
    return { figures, faults }
  },
}
