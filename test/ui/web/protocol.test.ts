import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { encodeChunk, parseChunk } from '../../../src/ui/web/protocol/bytes.js'
import { CHUNK_BYTES_MAX } from '../../../src/ui/web/protocol/limits.js'
import { parseAnswer, parseHello, parseRequest, parseServerMessage } from '../../../src/ui/web/protocol/messages.js'
import { REQUESTS, type RequestKind } from '../../../src/ui/web/protocol/requests.js'

/** Modules outside the protocol folder that it may import: they are bundled with the page. */
const BUNDLED = ['../../../base/shape.js']

test('imports no module that browsers lack', () => {
  const directory = 'src/ui/web/protocol'
  for (const file of fs.readdirSync(directory)) {
    const source = fs.readFileSync(path.join(directory, file), 'utf8')
    const imported = [...source.matchAll(/from '([^']+)'/g)].map(([, target = '']) => target)
    for (const target of imported) assert.ok(target.startsWith('./') || BUNDLED.includes(target), `${file}: ${target}`)
  }
  assert.doesNotMatch(fs.readFileSync('src/base/shape.ts', 'utf8'), /^import|process\.|Buffer/m)
})

test('parses requests', () => {
  const say = { kind: 'say', id: 1, room: 'lobby', text: 'hello' } as const
  assert.deepEqual(parseRequest(JSON.stringify(say)), say)
  const page = { kind: 'page', id: 2, room: 'lobby', before: 'x', count: 100 } as const
  assert.deepEqual(parseRequest(JSON.stringify(page)), page)
})

test('rejects malformed requests', () => {
  const malformed = [
    '',
    'null',
    '[]',
    '7',
    '{',
    '{}',
    '{"kind":"say","id":1}',
    '{"kind":"say","id":0,"room":"lobby","text":"a"}',
    '{"kind":"say","id":-1,"room":"lobby","text":"a"}',
    '{"kind":"say","id":4294967296,"room":"lobby","text":"a"}',
    '{"kind":"say","id":1,"room":"lobby","text":5}',
    '{"kind":"toString","id":1}',
    '{"kind":"__proto__","id":1}',
    '{"kind":"hello","id":1}',
  ]
  for (const message of malformed) assert.equal(parseRequest(message), undefined, message)
})

test('never throws on arbitrary text', () => {
  const message = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .tuple(fc.constantFrom(...Object.keys(REQUESTS), 'hello', 'rows', 'constructor'), fc.object())
      .map(([kind, members]) => JSON.stringify({ id: 1, ...members, kind })),
  )
  fc.assert(
    fc.property(message, text => {
      const request = parseRequest(text)
      if (request !== undefined) assert.ok(Object.hasOwn(REQUESTS, request.kind))
      parseHello(text)
      parseServerMessage(text)
    }),
    { numRuns: 2_000 },
  )
})

test('parses answers by the kind of their request', () => {
  assert.deepEqual(parseAnswer('join', { room: 'ops' }), { room: 'ops' })
  assert.equal(parseAnswer('join', { room: 5 }), undefined)
  fc.assert(
    fc.property(fc.constantFrom(...(Object.keys(REQUESTS) as RequestKind[])), fc.anything(), (kind, value) => {
      parseAnswer(kind, value)
    }),
  )
})

test('binary messages carry the id of their request and bytes within a limit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.uint8Array({ minLength: 1 }), (id, bytes) => {
      const chunk = parseChunk(encodeChunk({ id, bytes }))
      assert.deepEqual(chunk, { id, bytes })
    }),
  )
  assert.equal(parseChunk(new Uint8Array(4)), undefined)
  assert.equal(parseChunk(encodeChunk({ id: 1, bytes: new Uint8Array(CHUNK_BYTES_MAX + 1) })), undefined)
  assert.ok(parseChunk(encodeChunk({ id: 1, bytes: new Uint8Array(CHUNK_BYTES_MAX) })))
  fc.assert(fc.property(fc.uint8Array(), bytes => void parseChunk(bytes)))
})
