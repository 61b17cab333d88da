import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import type { Fields } from '../../host/protocol/codec.js'

export interface RoomFlags {
  readonly data?: string
  readonly json?: boolean
}

export const printJson = (item: Fields): void => void process.stdout.write(`${sanitisedJson(item)}\n`)

export const printLine = (line: string): void => void process.stdout.write(`${sanitise(line)}\n`)
