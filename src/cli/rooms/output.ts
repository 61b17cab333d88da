import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import type { Fields } from '../../host/protocol/codec.js'

export interface RoomFlags {
  readonly data?: string
  readonly json?: boolean
}

export const printJson = (item: Fields): void => void process.stdout.write(`${sanitisedJson(item)}\n`)

export const printLine = (line: string): void => void process.stdout.write(`${sanitise(line)}\n`)

/** Which earlier lines somebody reads, by the setting of the room; an older node has none, and its rooms give all. */
export function readText(history: unknown): string {
  if (typeof history !== 'string' || history === 'all') return 'all earlier lines'
  if (history === 'none') return 'nothing said before'
  return history === '1' ? 'the last line' : `the last ${history} lines`
}
