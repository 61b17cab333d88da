import { utf8 } from '../../src/base/wire/bytes.js'
import { pack, packEntry } from '../../src/log/format/packed.js'
import { plainValidator } from '../../src/log/format/plain-validator.js'

const SALT = utf8('saltsalt')

/** Whether the bytes are an entry in plain form with an `at` above zero. */
export function isPlainEntry(entry: Uint8Array): boolean {
  const plain = plainValidator()
  plain.load(pack([packEntry(SALT, entry)]).bytes)
  plain.setAt(0, 0)
  return plain.accept(0, 1) === 1
}
