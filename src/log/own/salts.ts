import type { Random } from '../../base/random.js'
import { EMPTY } from '../../base/wire/bytes.js'
import { SALT_BYTES } from '../format/packed.js'

const POOL_BYTES = 512 * SALT_BYTES

/** Writes a new salt to a buffer. */
export type WriteSalt = (bytes: Uint8Array, start: number) => void

/** Random bytes are fetched for many salts at a time. */
export function saltsFrom(random: Pick<Random, 'bytes'>): WriteSalt {
  let pool: Uint8Array = EMPTY
  let offset = 0
  return (bytes, start) => {
    if (offset === pool.length) {
      pool = random.bytes(POOL_BYTES)
      offset = 0
    }
    // Faster than copying a view.
    for (let i = 0; i < SALT_BYTES; i++) bytes[start + i] = pool[offset++] as number
  }
}
