import assert from 'node:assert/strict'
import { pipeline } from 'node:stream'
import test from 'node:test'
import { utf8 } from '../../src/base/bytes.js'
import { hash } from '../../src/base/hash.js'
import { AUTHORS_MAX } from '../../src/base/limits.js'
import { keyPairOf } from '../../src/base/signing.js'
import { authorOfKey } from '../../src/log/author.js'
import { encodeHeads } from '../../src/log/frames.js'
import { Log } from '../../src/log/log.js'
import { PeerSession } from '../../src/log/peer-session.js'
import { MemoryStore } from '../helper/memory-store.js'
import { heapBytes, MEGABYTE } from '../helper/signed-memory.js'
import { alice, bob, entryOf, WrittenLog } from '../helper/signed-world.js'

const keysOf = (index: number) => keyPairOf(hash(utf8(`author ${index}`)))

test('a log that holds as many authors as it takes, and its own, still links with others', async () => {
  for (const dialect of ['ours', 'original'] as const) {
    const full = await Log.over(new MemoryStore(), alice)
    const other = await Log.over(new MemoryStore(), bob)
    for (let index = 0; index < AUTHORS_MAX; index++) {
      const written = new WrittenLog(keysOf(index), [entryOf(index)])
      await full.addSigned(authorOfKey(written.keys.publicKey), written.runs())
    }
    await full.append({ username: 'alice', message: 'hello' })
    await full.offer()
    assert.equal(full.told.length, AUTHORS_MAX + 1)
    const warnings: string[] = []
    const onWarning = (line: string): number => warnings.push(line)
    const [one, two] = [full, other].map(log => log.createReplicationStream({ dialect, live: false, onWarning }))
    await new Promise(resolve => pipeline([one, two, one] as never, resolve))
    assert.equal(other.head.length, AUTHORS_MAX, dialect)
    assert.ok(
      warnings.every(line => /no more are taken/.test(line)),
      String(warnings),
    )
    await full.close()
    await other.close()
  }
})

test('heads that come again and again take no more memory than a stranger may have', () => {
  const session = new PeerSession([])
  const heads = Array.from({ length: AUTHORS_MAX }, (_, index) => index)
  let frames = 0
  const hear = (count: number): void => {
    for (const end = frames + count; frames < end; frames++) {
      const authors = heads.map(index => ({ author: authorOfKey(hash(utf8(`${frames} ${index}`))), seq: 1 }))
      for (const { kind } of session.receive(encodeHeads(authors))) assert.equal(kind, 'serve')
    }
  }
  hear(20)
  const before = heapBytes()
  hear(100)
  assert.ok(heapBytes() - before < 2 * MEGABYTE, `${(heapBytes() - before) / MEGABYTE} MiB`)
})
