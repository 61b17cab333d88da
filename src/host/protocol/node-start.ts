import { ChatError, isErrorCode, reasonOf } from '../../base/errors.js'
import { programFile } from '../../base/program-files.js'
import { isFields } from '../../base/shape.js'
import type { Fields } from './codec.js'
import { type RoomOptions, roomOptionsOf } from './options.js'

/** The program of a background node. Its file shows whether an update has replaced the program. */
export const NODE_PROGRAM = programFile('host/server/node-process')

/** How a node is started. Passed to its process as one argument. */
export interface NodeStart {
  readonly me: string
  /** Absolute path of the data directory. */
  readonly data: string
  /** The room that it opens first. */
  readonly options: RoomOptions
  /** Whether it keeps running without faces. */
  readonly stays: boolean
}

export const encodeStart = ({ me, data, options, stays }: NodeStart): string =>
  JSON.stringify({ me, data, stays, options })

/** Decodes what `encodeStart` writes; undefined for anything else. */
export function decodeStart(text: string): NodeStart | undefined {
  try {
    const { me, data, stays, options }: Fields = JSON.parse(text)
    const room = isFields(options) ? roomOptionsOf(options) : undefined
    if (typeof me !== 'string' || typeof data !== 'string' || room === undefined) return undefined
    return { me, data, options: room, stays: stays === true }
  } catch {
    return undefined
  }
}

/** What a node's process reports to the face that started it, once. */
export type StartReport =
  /** The process serves, or another process does. */
  { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly error: Error }

/** Decodes a report; undefined if it is malformed. */
export function reportOf(value: unknown): StartReport | undefined {
  if (!isFields(value)) return undefined
  return value['is'] === 'ready' ? { kind: 'ready' } : { kind: 'failed', error: errorOf(value) }
}

/** Encodes an error for a face. */
export const faultOf = (error: unknown): Fields =>
  error instanceof ChatError
    ? {
        code: error.code,
        message: error.message,
        ...(error.hintTemplate !== undefined && { hint: error.hintTemplate }),
      }
    : { message: reasonOf(error) }

/** Decodes an error of a node. */
export function errorOf({ code, message, hint }: Fields): Error {
  const text = String(message)
  return isErrorCode(code) ? new ChatError(code, text, typeof hint === 'string' ? { hint } : {}) : new Error(text)
}
