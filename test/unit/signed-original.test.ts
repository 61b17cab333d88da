import assert from 'node:assert/strict'
import test from 'node:test'
import { HELD_LINK_BYTES_MAX } from '../../src/base/limits.js'
import { EARLIEST } from '../../src/log/at.js'
import type { AuthorId } from '../../src/log/author.js'
import { splitSignature, validAt, withSignature } from '../../src/log/entry.js'
import { Held } from '../../src/log/held.js'

const AT = '1763670000123.0007'

test('whatever entry is valid comes back byte for byte from its way with a signature', () => {
  const signature = Buffer.alloc(64, 0xa5)
  for (const text of [
    `{"at":"${AT}","username":"alice","message":"hello"}`,
    `{"at":"${AT}","username":"alice","message":"hello" }`,
    `{"at":"${AT}"\n,\t"username":"","message":"\\ud800"\r}`,
    `{"at":"${AT}","username":"alice","message":"hello"} `,
    `{"at":"${AT}","username":"alice","message":"hello"}\n`,
  ]) {
    const entry = Buffer.from(text)
    if (validAt(entry, EARLIEST) === undefined) continue
    const travelling = withSignature(entry, signature)
    assert.equal(typeof JSON.parse(Buffer.from(travelling).toString()).sig, 'string', text)
    assert.deepEqual(splitSignature(travelling)?.entry, entry)
    assert.deepEqual(splitSignature(travelling)?.signature, signature)
  }
})

test('what a stranger has held costs no more memory than its bound, however small its pieces are', () => {
  const held = new Held()
  let count = 0
  for (let index = 0; index < 200_000; index++) {
    const author = index.toString(16).padStart(64, '0') as AuthorId
    if (held.add(author, 1, new Uint8Array(0)) === 'full') break
    count++
  }
  assert.ok(count < HELD_LINK_BYTES_MAX / 64, `${count} authors with an empty entry each`)
})
