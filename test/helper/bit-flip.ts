import { open, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { between, type Chance } from '../long/chance.js'
import { filesBelow } from './power-cut.js'

/** Parts of a LevelDB database that are read in different ways. */
const REGIONS = ['data', 'heads', 'index', 'journal', 'manifest', 'current'] as const
type Region = (typeof REGIONS)[number]

/** Probability of each region, in percent. */
const WEIGHTS: Record<Region, number> = { data: 35, heads: 15, index: 15, journal: 20, manifest: 10, current: 5 }

/** A byte range of one file. */
interface Stretch {
  readonly file: string
  readonly from: number
  readonly to: number
}

const FOOTER_BYTES = 48
/** Size of a head row: key, chain value, seq and two timestamps. */
const HEAD_BYTES = 220
const HEAD_KEY_BYTES = 48

export interface Flip {
  readonly region: Region
  readonly file: string
  readonly offset: number
  readonly mask: number
}

/** Describes a flip. */
export const placeOf = ({ region, file, offset, mask }: Flip): string => `${region} ${file} at ${offset} ^ ${mask}`

/** Changes one byte of the database in `directory`: one bit, or several. */
export async function flipOne(directory: string, random: Chance): Promise<Flip> {
  const stretches = await stretchesOf(directory)
  const region = regionOf(random, stretches)
  const parts = stretches.get(region) ?? []
  let left = between(
    random,
    0,
    parts.reduce((sum, { from, to }) => sum + to - from, 0),
  )
  const part = parts.find(({ from, to }) => {
    if (left < to - from) return true
    left -= to - from
    return false
  })
  if (part === undefined) throw new Error(`nothing in ${region}`)
  const offset = part.from + left
  const mask = random() < 0.5 ? 1 << between(random, 0, 8) : between(random, 1, 256)
  const file = await open(part.file, 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, offset)
    byte[0] = (byte[0] ?? 0) ^ mask
    await file.write(byte, 0, 1, offset)
  } finally {
    await file.close()
  }
  return { region, file: path.basename(part.file), offset, mask }
}

function regionOf(random: Chance, stretches: ReadonlyMap<Region, readonly Stretch[]>): Region {
  const present = REGIONS.filter(region => (stretches.get(region) ?? []).length > 0)
  let left = random() * present.reduce((sum, region) => sum + WEIGHTS[region], 0)
  for (const region of present) {
    left -= WEIGHTS[region]
    if (left < 0) return region
  }
  return 'data'
}

async function stretchesOf(directory: string): Promise<Map<Region, Stretch[]>> {
  const stretches = new Map<Region, Stretch[]>(REGIONS.map(region => [region, []]))
  const add = (region: Region, file: string, from: number, to: number): void => {
    if (from < to) stretches.get(region)?.push({ file, from, to })
  }
  for (const file of await filesBelow(directory)) {
    const name = path.basename(file)
    const { size } = await stat(file)
    if (name === 'CURRENT') add('current', file, 0, size)
    if (name.startsWith('MANIFEST')) add('manifest', file, 0, size)
    if (name.endsWith('.log')) add('journal', file, 0, size)
    if (!name.endsWith('.ldb')) continue
    const bytes = await readFile(file)
    const end = dataEnd(bytes)
    add('data', file, 0, end)
    add('index', file, end, size)
    for (let at = bytes.indexOf('{"seq":'); at !== -1 && at < end; at = bytes.indexOf('{"seq":', at + 1)) {
      add('heads', file, Math.max(0, at - HEAD_KEY_BYTES), Math.min(end, at + HEAD_BYTES))
    }
  }
  return stretches
}

/** Offset at which the data blocks of a table end: the footer begins with the offset of the next block. */
function dataEnd(table: Buffer): number {
  let end = 0
  let scale = 1
  for (let at = table.length - FOOTER_BYTES; ; at++) {
    const byte = table[at] ?? 0
    end += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) return end
  }
}
