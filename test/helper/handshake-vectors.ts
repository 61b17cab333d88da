import { blake2b } from '@noble/hashes/blake2.js'
import { noiseNN, OracleRecords } from './sealed-oracle.js'
import * as oracle from './signed-oracle.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value)
const { hex, prefixed } = oracle

const leb128 = (value: number): Uint8Array => {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}
const field = {
  number: (tag: number, value: number): Uint8Array => joined(Uint8Array.of(tag * 8), leb128(value)),
  bytes: (tag: number, value: Uint8Array): Uint8Array => joined(Uint8Array.of(tag * 8 + 2), prefixed(value)),
}

const LABEL = utf8('persisted-chat/link/2')
const ROLES = ['dialler', 'listener'] as const
type Role = (typeof ROLES)[number]

const SIDES = {
  dialler: { address: 'alice.local:26501', byte: 1, nowMs: 1_763_670_000_000 },
  listener: { address: 'bob.local:4000', byte: 2, nowMs: 1_763_670_000_070 },
} as const

/** The handshake of a connection between native peers: what each side writes, in order, as bytes and decoded. */
export function handshake() {
  const room = oracle.room('lobby')
  const addresses = ROLES.map(role => prefixed(utf8(SIDES[role].address)))
  const ephemeral = { dialler: filled(32, 0xe1), listener: filled(32, 0xe2) }
  const prologue = joined(LABEL, ...addresses)
  const { messages, hash, keys } = noiseNN(prologue, ephemeral.dialler, ephemeral.listener)
  const sideOf = (role: Role) => {
    const { address, byte, nowMs } = SIDES[role]
    const roleByte = Uint8Array.of(ROLES.indexOf(role))
    const seed = filled(32, byte)
    const key = oracle.publicKey(seed)
    const instance = filled(16, 0xa0 + byte)
    const tagged = joined(utf8('persisted-chat/channel/1'), hash, roleByte)
    const roomTag = blake2b(tagged, { key: room, dkLen: 16 })
    const hello = joined(field.number(1, 2), field.bytes(3, instance), field.bytes(4, key), field.number(7, nowMs))
    const signature = oracle.sign(seed, joined(LABEL, roleByte, hash, blake2b(hello, { dkLen: 32 })))
    const header = filled(24, 0xf0 + byte)
    const records = new OracleRecords(keys[ROLES.indexOf(role)] ?? seed, header)
    const auth = records.record(joined(hello, signature))
    return { address, seed, key, instance, nowMs, roomTag, hello, signature, header, records, auth }
  }
  const sides = { dialler: sideOf('dialler'), listener: sideOf('listener') }
  const described = (role: Role) => {
    const { records: _, auth: __, address, nowMs, ...bytes } = sides[role]
    const { seed, key, instance, roomTag, hello, signature, header } = bytes
    return {
      address,
      seed: hex(seed),
      key: hex(key),
      instance: hex(instance),
      nowMs,
      ephemeral: hex(ephemeral[role]),
      header: hex(header),
      roomTag: hex(roomTag),
      hello: hex(hello),
      signature: hex(signature),
    }
  }
  const record = (by: Role, text: Uint8Array, isFinal: boolean) => ({
    by,
    text: hex(text),
    isFinal,
    bytes: hex(sides[by].records.record(text, isFinal)),
  })
  return {
    room: hex(room),
    prologue: hex(prologue),
    hash: hex(hash),
    dialler: described('dialler'),
    listener: described('listener'),
    written: [
      { by: 'dialler', what: 'its address', bytes: hex(addresses[0] ?? room) },
      { by: 'listener', what: 'its address', bytes: hex(addresses[1] ?? room) },
      { by: 'dialler', what: 'that it is a native peer', bytes: '00' },
      { by: 'listener', what: 'that it is one too', bytes: '00' },
      {
        by: 'dialler',
        what: 'the version and its ephemeral key',
        bytes: hex(prefixed(joined(Uint8Array.of(2), messages[0]))),
      },
      {
        by: 'listener',
        what: 'its ephemeral key with a tag, and sealed: its hello and signature',
        bytes: hex(joined(prefixed(messages[1]), sides.listener.auth)),
      },
      { by: 'dialler', what: 'sealed: its hello and signature', bytes: hex(sides.dialler.auth) },
    ],
    records: [
      record('dialler', utf8('two frames written in one turn'), false),
      record('dialler', Uint8Array.of(0), false),
      record('listener', filled(1_000, 7), false),
      record('listener', new Uint8Array(0), true),
      record('dialler', utf8('and the end'), true),
    ],
  } as const
}
