import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { frame } from '../../src/base/wire/frames.js'
import { FileChannel, type FileListener, type FileSource } from '../../src/files/exchange/file-channel.js'
import {
  decodeFileFrame,
  encodeAbsent,
  encodeHolding,
  encodeQuery,
  encodeRequest,
  partFrame,
} from '../../src/files/exchange/frames.js'
import type { FileRoot } from '../../src/files/format/hash-tree.js'
import { CHUNK_BYTES, FILE_REQUESTS_MAX } from '../../src/files/limits.js'

const ROOT = 'ab'.repeat(32) as FileRoot
const FILE = { root: ROOT, size: 3 * CHUNK_BYTES }
const TOP = { level: 'top', index: 0 } as const

/** A channel whose other side is the test. */
function channel(source: Partial<FileSource> = {}) {
  const answers: string[] = []
  const written: Uint8Array[] = []
  let isReading = true
  let resume = (): void => {}
  const stream = new Duplex({
    writableHighWaterMark: CHUNK_BYTES,
    read: () => {},
    write: (chunk, _encoding, done) => {
      written.push(chunk)
      if (isReading) done()
      else resume = done
    },
  })
  let reads = 0
  const listener: FileListener = {
    holding: () => void answers.push('holding'),
    part: () => void answers.push('part'),
    absent: () => void answers.push('absent'),
  }
  const served: FileSource = {
    holding: async () => undefined,
    read: async (_root, _piece, spaceFor) => {
      reads++
      return spaceFor(CHUNK_BYTES).fill(0)
    },
    ...source,
  }
  const files = new FileChannel(stream, served, listener)
  return {
    files,
    stream,
    answers,
    written,
    reads: () => reads,
    stopReading: () => {
      isReading = false
    },
    read: () => {
      isReading = true
      resume()
    },
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

test('frames that are encoded decode to the same, and no bytes make the decoder throw', () => {
  const bodyOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(bytes.length > 127 ? 3 : 1)
  assert.deepEqual(decodeFileFrame(bodyOf(encodeQuery(FILE))), { kind: 'query', file: FILE })
  assert.deepEqual(decodeFileFrame(bodyOf(encodeHolding(ROOT, undefined))), {
    kind: 'holding',
    root: ROOT,
    bitmap: undefined,
  })
  assert.deepEqual(decodeFileFrame(bodyOf(encodeRequest(ROOT, TOP))), { kind: 'request', root: ROOT, piece: TOP })
  assert.deepEqual(decodeFileFrame(bodyOf(encodeAbsent(ROOT, TOP))), { kind: 'absent', root: ROOT, piece: TOP })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      decodeFileFrame(bytes)
    }),
  )
})

test('answers each question once, in order', async () => {
  const { stream, written } = channel({
    read: async (_, { index }, spaceFor) => (index === 1 ? undefined : spaceFor(1).fill(index)),
  })
  stream.push(
    Buffer.concat([encodeQuery(FILE), ...[0, 1, 2].map(index => encodeRequest(ROOT, { level: 'chunk', index }))]),
  )
  await settled()
  assert.deepEqual(
    written.map(bytes => decodeFileFrame(bytes.subarray(1))?.kind),
    ['holding', 'part', 'absent', 'part'],
  )
  const third = decodeFileFrame((written[3] ?? assert.fail()).subarray(1))
  assert.deepEqual(third, { kind: 'part', root: ROOT, piece: { level: 'chunk', index: 2 }, bytes: Buffer.from([2]) })
})

test('a peer that requests without reading costs a few pieces, and one request too many closes the channel', async () => {
  const { stream, stopReading, reads, read, written } = channel()
  stopReading()
  const request = encodeRequest(ROOT, { level: 'chunk', index: 0 })
  stream.push(Buffer.concat(Array.from({ length: FILE_REQUESTS_MAX }, () => request)))
  await settled()
  assert.ok(reads() <= 9, String(reads()))
  read()
  await settled()
  assert.equal(written.length, FILE_REQUESTS_MAX)
  assert.ok(!stream.destroyed)
  stopReading()
  stream.push(Buffer.concat(Array.from({ length: 2 * FILE_REQUESTS_MAX }, () => request)))
  await once(stream, 'close')
})

for (const [what, bytes] of [
  ['a part that nobody requested', partFrame(ROOT, TOP, 3).frame],
  ['an answer to no query', encodeHolding(ROOT, undefined)],
  ['an absence of nothing', encodeAbsent(ROOT, TOP)],
  ['a malformed frame', frame(Uint8Array.of(2, 1, 2, 3))],
  ['a frame that is too long', Uint8Array.of(0xff, 0xff, 0xff, 0x7f)],
] as const)
  test(`${what} closes the channel`, async () => {
    const { stream, answers } = channel()
    stream.push(bytes)
    await once(stream, 'close')
    assert.deepEqual(answers, [])
  })

test('control: an answer to a question is passed on, and unknown frames are skipped', async () => {
  const { files, stream, answers } = channel()
  files.request(ROOT, TOP)
  stream.push(Buffer.concat([frame(Uint8Array.of(7, 1, 2)), partFrame(ROOT, TOP, 3).frame]))
  await settled()
  assert.deepEqual([answers, stream.destroyed], [['part'], false])
})

test('asks no more at once than a peer answers', async () => {
  const { files, stream, written } = channel()
  for (let index = 0; index < 2 * FILE_REQUESTS_MAX; index++) files.request(ROOT, { level: 'chunk', index })
  await settled()
  assert.equal(written.length, FILE_REQUESTS_MAX)
  stream.push(encodeAbsent(ROOT, TOP))
  await settled()
  assert.equal(written.length, FILE_REQUESTS_MAX + 1)
})
