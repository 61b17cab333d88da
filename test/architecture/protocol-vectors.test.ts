import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { frame } from '../../src/base/wire/frames.js'
import {
  DigestReader,
  DigestWriter,
  encodeStatusRequest,
  readStatusRequest,
} from '../../src/chat/presence/digest-codec.js'
import {
  isGenuineStatus,
  readStatus,
  type Status,
  signStatus,
  statusFrame,
} from '../../src/chat/presence/status-codec.js'
import { decodeHandshake, encodeHandshake, type Mode } from '../../src/compat/scuttleup/scuttleup-codec.js'
import type { LogId } from '../../src/log/format/author.js'
import { logKey } from '../../src/log/format/author.js'
import { chainNext, chainStart, isChainSigned, signChain, stubsOf } from '../../src/log/format/chain.js'
import { fromProjected, toProjected, validHlc } from '../../src/log/format/entry.js'
import { isExcerptFault, readExcerpt } from '../../src/log/format/excerpt.js'
import type { Digest } from '../../src/log/format/heads.js'
import { EARLIEST, type Hlc } from '../../src/log/format/hybrid-clock.js'
import { packEntry } from '../../src/log/format/packed.js'
import { roomId } from '../../src/log/format/room-id.js'
import { decodeSegment, encodeSegment } from '../../src/log/format/segment.js'
import { segmentWrite } from '../../src/log/format/segment-rows.js'
import { decodeUnsignedEntry, encodeUnsignedEntry } from '../../src/log/format/unsigned-entry.js'
import type { HandshakeEffect } from '../../src/net/handshake/effects.js'
import { Handshake } from '../../src/net/handshake/handshake.js'
import {
  decodeAuth,
  decodeHello,
  encodeAuth,
  encodeHello,
  otherRole,
  type Role,
  roomTagOf,
} from '../../src/net/handshake/hello.js'
import { type Contact, decodePexFrame, encodePexFrame, type OutgoingPexFrame } from '../../src/net/overlay/pex-codec.js'
import type { Records } from '../../src/net/sealed/records.js'
import { archiveOf, readArchive } from '../../src/sync/archive.js'
import {
  decodeFrame,
  encodeContent,
  encodeContentRequest,
  encodeFingerprints,
  encodeGaps,
  encodeHeads,
  encodeNotes,
  encodeSegmentRequest,
  encodeSegments,
  encodeUnsigned,
  type NoteKind,
} from '../../src/sync/codec.js'
import { fingerprintsOf } from '../../src/sync/fingerprints.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { entryFault, hex, unhex } from '../helper/signed-oracle.js'
import { vectors } from '../helper/signed-vectors.js'
import { allRows, carol } from '../helper/signed-world.js'

// docs/protocol/README.md §10. Compiled tests run from dist/, the vectors stay in the source tree.

type Vectors = { readonly [N in keyof typeof vectors]: ReturnType<(typeof vectors)[N]> }

const fileOf = (name: string): string => path.resolve('test/vectors', `${name}.json`)

function load<N extends keyof Vectors>(name: N): Vectors[N] {
  return JSON.parse(readFileSync(fileOf(name), 'utf8'))
}

const unbase64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))

/** `VECTORS=write` regenerates the files. If they change, so does the protocol. */
for (const [name, make] of Object.entries(vectors)) {
  const text = `${JSON.stringify(make(), null, 2)}\n`
  if (process.env['VECTORS'] === 'write') writeFileSync(fileOf(name), text)
  test(`${name}.json contains the vectors that the oracle generates`, () => {
    assert.deepEqual(JSON.parse(readFileSync(fileOf(name), 'utf8')), JSON.parse(text))
  })
}

test('computes room ids', () => {
  for (const { name, id } of load('rooms')) assert.equal(hex(roomId(name)), id, name)
})

test('computes keys, chain values and signatures', () => {
  for (const log of load('logs')) {
    const keys = keyPairOf(unhex(log.seed))
    const room = unhex(log.room)
    assert.equal(hex(keys.publicKey), log.key)
    const name = { room, key: keys.publicKey, run: log.run }
    let chain = chainStart(name)
    assert.equal(hex(chain), log.chain[0])
    log.entries.forEach(({ salt, entry, packed, stub }, index) => {
      assert.equal(hex(packEntry(unhex(salt), Buffer.from(entry))), packed)
      assert.deepEqual(stubsOf([unhex(packed)]).map(hex), [stub])
      assert.equal(hex(chainNext(chain, unhex(stub))), log.chain[index + 1])
      chain = chainNext(chain, unhex(packed))
      assert.equal(hex(chain), log.chain[index + 1])
      const signature = signChain(keys, name, index + 1, chain)
      assert.equal(hex(signature), log.signatures[index])
      assert.ok(isChainSigned(name, index + 1, chain, signature))
      assert.ok(!isChainSigned(name, index + 2, chain, signature))
    })
  }
})

test('encodes and decodes segments and their rows, and rejects malformed ones', () => {
  const { good, bad } = load('segments')
  for (const { what, bytes: text, row, lengths, ...expected } of good) {
    const bytes = unbase64(text)
    const segment = decodeSegment(bytes)
    assert.ok(segment, what)
    const { key, run, first, entries, before, signature } = segment
    assert.deepEqual(
      { key: hex(key), run, first, count: entries.length, before: hex(before), signature: hex(signature) },
      expected,
      what,
    )
    assert.deepEqual(
      entries.map(({ length }) => length),
      lengths,
    )
    assert.equal(hex(encodeSegment(segment)), hex(bytes), what)
    const write = segmentWrite(logKey(key, run), first, bytes)
    assert.ok(write.type === 'put')
    assert.equal(hex(write.key), row.key)
    assert.equal(hex(write.value), row.checksum + hex(bytes))
    let chain = before
    for (const entry of entries) chain = chainNext(chain, entry)
    assert.ok(isChainSigned({ room: roomId('lobby'), key, run }, first + entries.length - 1, chain, signature), what)
  }
  for (const { what, bytes } of bad) assert.equal(decodeSegment(unbase64(bytes)), undefined, what)
})

type Side = Vectors['handshake']['dialler']

/** Hands out the vectors' ephemeral secret, then their header. */
function given({ ephemeral, header }: Side): { readonly bytes: () => Uint8Array } {
  const next = [ephemeral, header]
  return { bytes: () => unhex(next.shift() ?? '') }
}

const helloOf = ({ key, instance, nowMs }: Side) => ({
  version: 2,
  instance: unhex(instance),
  key: unhex(key),
  nowMs,
})

test('room tags, hellos, and the proofs of their keys', () => {
  const { room, hash, dialler, listener } = load('handshake')
  for (const [role, side] of [
    ['dialler', dialler],
    ['listener', listener],
  ] as const) {
    const roomTag = roomTagOf(unhex(room), unhex(hash), role)
    const hello = helloOf(side)
    assert.equal(hex(roomTag), side.roomTag)
    assert.equal(hex(encodeHello(hello)), side.hello)
    assert.deepEqual(decodeHello(unhex(side.hello)), hello)
    const auth = encodeAuth(hello, keyPairOf(unhex(side.seed)), unhex(hash), role)
    assert.equal(hex(auth), side.hello + side.signature)
    assert.deepEqual(decodeAuth(auth, unhex(hash), role), decodeHello(unhex(side.hello)))
    assert.equal(decodeAuth(auth, unhex(hash), otherRole(role)), 'unproven-key')
    assert.equal(decodeAuth(auth, unhex(room + room), role), 'unproven-key')
  }
})

test('a handshake between two native peers, write by write, and the records after it', () => {
  const { dialler, listener, written, records } = load('handshake')
  const open = (role: Role, side: Side): Handshake =>
    new Handshake({
      role,
      me: side.address,
      hello: helloOf(side),
      keys: keyPairOf(unhex(side.seed)),
      random: given(side),
    })
  const ends = { dialler: open('dialler', dialler), listener: open('listener', listener) }
  const said = { dialler: '', listener: '' }
  const opened: string[] = []
  const sealed: Partial<Record<Role, Records>> = {}
  const perform = (by: Role, effects: readonly HandshakeEffect[]): void => {
    for (const effect of effects) {
      assert.notEqual(effect.kind, 'failed')
      if (effect.kind === 'sealed') {
        opened.push(effect.remote.key)
        sealed[by] = effect.records
      }
      if (effect.kind !== 'send') continue
      said[by] += hex(effect.bytes)
      perform(otherRole(by), ends[otherRole(by)].receive(effect.bytes))
    }
  }
  perform('listener', ends.listener.start())
  perform('dialler', ends.dialler.start())
  for (const by of ['dialler', 'listener'] as const) {
    const expected = written.filter(write => write.by === by).map(({ bytes }) => bytes)
    assert.equal(said[by], expected.join(''))
  }
  assert.deepEqual(opened.sort(), [dialler.key, listener.key].sort())
  for (const { by, text, isFinal, bytes } of records) {
    const from = sealed[by]
    const to = sealed[otherRole(by)]
    assert.ok(from && to)
    assert.equal(hex(from.sealer.seal(unhex(text), isFinal)), bytes)
    to.opener.push(unhex(bytes))
    const read = to.opener.next()
    assert.ok(read.kind === 'record')
    assert.deepEqual([hex(read.text), read.isFinal], [text, isFinal])
  }
})

/** The body of a single frame. */
function bodyOf(bytes: string): Uint8Array {
  const whole = unhex(bytes)
  const start = (whole[0] ?? 0) < 0x80 ? 1 : (whole[1] ?? 0) < 0x80 ? 2 : 3
  assert.equal(hex(frame(whole.subarray(start))), bytes)
  return whole.subarray(start)
}

const digestOf = ({ author, seq, ...rest }: { author: string; seq: number; chain?: string }): Digest => ({
  author: author as LogId,
  seq,
  ...('chain' in rest && rest.chain !== undefined && { chain: unhex(rest.chain) }),
})

test('encodes and decodes the frames of native peers', () => {
  const { heads, noHeads, pageOfHeads, fingerprints, segments, unsigned, notes, unknown } = load('frames').native
  const digests = heads.of.map(digestOf)
  assert.equal(hex(encodeHeads(digests)), heads.bytes)
  const read = decodeFrame(bodyOf(heads.bytes))
  assert.ok(read.kind === 'heads')
  assert.deepEqual(
    read.heads.map(({ author, seq, chain }) => ({ author, seq, ...(chain !== undefined && { chain: hex(chain) }) })),
    heads.of,
  )
  assert.deepEqual(decodeFrame(bodyOf(noHeads)), { kind: 'heads', heads: [], isLast: true })
  assert.deepEqual(decodeFrame(bodyOf(pageOfHeads)), { kind: 'heads', heads: [], isLast: false })
  assert.equal(hex(encodeSegments(segments.of.map(unhex))), segments.bytes)
  const frames = decodeFrame(bodyOf(segments.bytes))
  assert.ok(frames.kind === 'segments')
  assert.deepEqual(
    frames.segments.map(segment => hex(encodeSegment(segment))),
    segments.of,
  )
  const { id, seq, entry } = unsigned.of
  assert.equal(hex(encodeUnsigned({ id, seq, entry: Buffer.from(entry) })), unsigned.bytes)
  const single = decodeFrame(bodyOf(unsigned.bytes))
  assert.ok(single.kind === 'unsigned-entry')
  assert.deepEqual({ ...single.entry, entry: Buffer.from(single.entry.entry).toString() }, unsigned.of)
  assert.equal(hex(encodeFingerprints(fingerprintsOf(fingerprints.of.map(digestOf)))), fingerprints.bytes)
  assert.equal(decodeFrame(bodyOf(fingerprints.bytes)).kind, 'fingerprints')
  assert.equal(
    hex(encodeNotes(notes.of.map(note => ({ kind: note.kind as NoteKind, ...digestOf(note) })))),
    notes.bytes,
  )
  const decoded = decodeFrame(bodyOf(notes.bytes))
  assert.ok(decoded.kind === 'notes')
  assert.deepEqual(
    decoded.notes.map(({ chain, ...note }) => ({ ...note, ...(chain !== undefined && { chain: hex(chain) }) })),
    notes.of,
  )
  assert.deepEqual(decodeFrame(bodyOf(unknown)), { kind: 'unknown' })
})

test('encodes and decodes requests, contents and gaps, and rejects malformed ones', () => {
  const { segmentRequest, contentRequest, content, gaps } = load('frames').native
  const place = digestOf(segmentRequest.of)
  assert.equal(hex(encodeSegmentRequest(place)), segmentRequest.bytes)
  assert.deepEqual(decodeFrame(bodyOf(segmentRequest.bytes)), { kind: 'segment-request', place })
  const range = { ...contentRequest.of, author: contentRequest.of.author as LogId }
  assert.equal(hex(encodeContentRequest(range)), contentRequest.bytes)
  assert.deepEqual(decodeFrame(bodyOf(contentRequest.bytes)), { kind: 'content-request', range })

  const nothing = { ...content.of, entries: [], bytes: content.ofNothing }
  for (const { author, first, entries, bytes } of [
    { ...content.of, bytes: content.bytes },
    content.ofAnotherRun,
    nothing,
  ]) {
    assert.equal(hex(encodeContent(author as LogId, { first, entries: entries.map(unhex) })), bytes)
    const read = decodeFrame(bodyOf(bytes))
    assert.ok(read.kind === 'content')
    assert.deepEqual([read.author, read.run.first, read.run.entries.map(hex)], [author, first, entries])
  }
  const [, complete, , last] = load('logs')[0]?.entries ?? []
  assert.deepEqual([content.of.entries[0], content.of.entries[2]], [complete?.packed, last?.packed])

  const notes = gaps.of.map(({ author, ranges }) => ({ author: author as LogId, ranges }))
  assert.equal(hex(encodeGaps(notes)), gaps.bytes)
  assert.deepEqual(decodeFrame(bodyOf(gaps.bytes)), { kind: 'notes', notes: [], gaps: notes })
  for (const { what, bytes } of [...content.bad, ...gaps.bad])
    assert.equal(decodeFrame(bodyOf(bytes)).kind, 'bad', what)
})

test('encodes and decodes presence digests and a status request', () => {
  const { first, second, request } = load('frames').native.digests
  const writer = new DigestWriter()
  assert.equal(hex(writer.next(first.of)), first.bytes)
  assert.equal(hex(writer.next(second.of)), second.bytes)
  const reader = new DigestReader()
  const ages = (bytes: string) =>
    reader.read(unhex(bytes).subarray(1))?.map(({ id, check, ageMs }) => [id, check, ageMs])
  const [one, other] = [first.of.map(({ id }) => id), second.of.map(({ id }) => id)]
  assert.deepEqual(ages(first.bytes), [
    [one[0], 123, 0],
    [one[1], 65_535, 13_000],
  ])
  assert.deepEqual(ages(second.bytes), [
    [one[0], 123, undefined],
    [one[1], 7, 100_000],
    [other[1], 0, 4_000],
  ])
  assert.equal(hex(encodeStatusRequest(request.of)), request.bytes)
  assert.deepEqual(readStatusRequest(unhex(request.bytes).subarray(1)), request.of)
})

test('encodes and decodes a status on its first and on its second hop', () => {
  const { room, seed, of, first, second } = load('frames').native.status
  const status = { ...of, state: of.state as Status['state'] }
  const body = signStatus(keyPairOf(unhex(seed)), unhex(room), status)
  assert.equal(hex(statusFrame(body, 1)), first)
  assert.equal(hex(statusFrame(body, 2)), second)
  const read = readStatus(bodyOf(second))
  assert.ok(read)
  const { author, hops, body: _, ...fields } = read
  assert.deepEqual([author, hops, fields], [hex(keyPairOf(unhex(seed)).publicKey), 2, status])
  assert.ok(isGenuineStatus(unhex(room), read))
  assert.ok(!isGenuineStatus(roomId('ops'), read))
})

test('encodes and decodes the frames of peer exchange', () => {
  const { neighbour, shuffleRequest, shuffleReply, forwardJoin, full } = load('frames').native.peerExchange
  const contactOf = ({ host, ...rest }: { id: string; port: number; host?: string }): Contact => ({ ...rest, host })
  const expected: readonly [OutgoingPexFrame, string][] = [
    [{ kind: 'neighbour', port: neighbour.port, connections: neighbour.connections }, neighbour.bytes],
    [{ kind: 'shuffle-request', contacts: [] }, shuffleRequest.bytes],
    [{ kind: 'shuffle-reply', contacts: shuffleReply.contacts.map(contactOf) }, shuffleReply.bytes],
    [
      {
        kind: 'forward-join',
        hops: forwardJoin.hops,
        contact: contactOf(forwardJoin.contact as Contact & { host: string }),
      },
      forwardJoin.bytes,
    ],
    [{ kind: 'full', contacts: full.contacts.map(contactOf) }, full.bytes],
  ]
  for (const [frame, bytes] of expected) {
    assert.equal(hex(encodePexFrame(frame)), bytes)
    assert.deepEqual(decodePexFrame(bodyOf(bytes)), frame)
  }
})

test("encodes and decodes scuttleup's messages, and a signature that travels in one", () => {
  const { handshake, change } = load('frames').scuttleup
  const expected = { ...handshake.of, mode: handshake.of.mode as Mode }
  assert.equal(hex(frame(encodeHandshake(expected))), handshake.bytes)
  assert.deepEqual(decodeHandshake(bodyOf(handshake.bytes)), expected)
  const { id, seq, entry, salt, signature } = change.of
  const travelling = toProjected({ entry: Buffer.from(entry), salt: unhex(salt), signature: unhex(signature) })
  assert.equal(Buffer.from(travelling).toString(), change.entry)
  assert.equal(hex(frame(encodeUnsignedEntry({ id, seq, entry: travelling }))), change.bytes)
  const read = decodeUnsignedEntry(bodyOf(change.bytes))
  const split = fromProjected(read?.entry ?? new Uint8Array(0))
  assert.deepEqual([read?.id, read?.seq], [id, seq])
  assert.equal(Buffer.from(split?.entry ?? []).toString(), entry)
  assert.equal(hex(split?.salt ?? new Uint8Array(0)), salt)
  assert.equal(hex(split?.signature ?? new Uint8Array(0)), signature)
})

test('imports an export into the given rows, and exports the same file again', async () => {
  const store = load('store')
  const disk = new MemoryDisk()
  const room = unhex(store.room)
  const log = await logOver(new MemoryStore(disk), carol, { room })
  const file = unbase64(store.export)
  const report = await readArchive(log, room, piece(file))
  assert.deepEqual(report, { added: store.entries, refused: [] })
  const rows = allRows(disk).map(([key, value]) => ({ key: hex(key), value: hex(value) }))
  assert.deepEqual(
    rows,
    store.rows.map(({ key, value }) => ({ key, value })),
  )
  const given: Uint8Array[] = []
  for await (const bytes of archiveOf(log, room)) given.push(bytes)
  assert.equal(hex(Buffer.concat(given)), hex(file))
  await log.close()
})

async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

test('accepts valid entries, and rejects each invalid one by its rule', () => {
  const { previous, at, valid, invalid } = load('entries')
  for (const { what, bytes } of valid) {
    assert.equal(validHlc(unbase64(bytes), previous as Hlc), at, what)
    assert.equal(entryFault(unbase64(bytes), previous), undefined, what)
  }
  const faults: Record<string, string> = {
    'at most 16 KiB': 'longer than 16 KiB',
    'UTF-8': 'not well-formed UTF-8',
    begins: 'does not begin with its timestamp',
    ends: 'does not end with a brace',
    JSON: 'not JSON',
    username: 'its username is not a string',
    message: 'its message is not a string',
    control: 'not the form of a control entry',
    after: 'not after the previous entry',
  }
  for (const { what, bytes, rule } of invalid) {
    assert.equal(validHlc(unbase64(bytes), previous as Hlc), undefined, what)
    assert.equal(entryFault(unbase64(bytes), previous), faults[rule], what)
  }
  assert.deepEqual(new Set(invalid.map(({ rule }) => rule)), new Set(Object.keys(faults)), 'every rule is covered')
})

test('accepts the first entry of a log at any time after the earliest one', () => {
  const entry = (time: string): Uint8Array => Buffer.from(`{"at":"${time}","username":"","message":""}`)
  assert.equal(validHlc(entry(EARLIEST), EARLIEST), undefined)
  assert.equal(validHlc(entry('0000000000000.0001'), EARLIEST), '0000000000000.0001')
  assert.equal(validHlc(entry('9999999999999.9999'), EARLIEST), '9999999999999.9999')
})

test('proofs are read, and files that prove nothing are refused, as in the vectors', () => {
  const { good, bad } = load('proofs')
  for (const { what, first, count, bytes } of good) {
    const excerpt = readExcerpt(Buffer.from(bytes, 'hex'))
    assert.ok(!isExcerptFault(excerpt), what)
    assert.deepEqual([excerpt.first, excerpt.entries.length], [first, count], what)
  }
  for (const { what, kind, bytes } of bad) {
    const fault = readExcerpt(Buffer.from(bytes, 'hex'))
    assert.equal(isExcerptFault(fault) && fault.kind, kind, what)
  }
})
