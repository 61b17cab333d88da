import { ed25519 } from '@noble/curves/ed25519.js'
import { blake2b } from '@noble/hashes/blake2.js'

// A second implementation of the bytes of docs/protocol/membership.md, on other cryptographic libraries and without src/.

type Bytes = Uint8Array

const text = (value: string): Bytes => new TextEncoder().encode(value)
const joined = (...parts: readonly Bytes[]): Bytes => Uint8Array.from(Buffer.concat(parts))
const filled = (length: number, byte: number): Bytes => new Uint8Array(length).fill(byte)
const hash = (...parts: readonly Bytes[]): Bytes => blake2b(joined(...parts), { dkLen: 32 })
const u16 = (value: number): Bytes => Uint8Array.of(value >> 8, value & 255)
const u32 = (value: number): Bytes => joined(u16(Math.floor(value / 65_536)), u16(value % 65_536))

function leb128(value: number): Bytes {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.from([...bytes, rest])
}
const number = (field: number, value: number): Bytes => joined(leb128(8 * field), leb128(value))
const bytes = (field: number, value: Bytes): Bytes => joined(leb128(8 * field + 2), leb128(value.length), value)

const seeds = { founder: filled(32, 1), alice: filled(32, 2), bob: filled(32, 3), rescue: filled(32, 9) }
const keyOf = (name: keyof typeof seeds): Bytes => ed25519.getPublicKey(seeds[name])
const NONCE = filled(32, 5)
const ZEROS = filled(32, 0)

const room = hash(text('persisted-chat/private-room/1'), keyOf('founder'), NONCE, keyOf('rescue'))

const consentOf = (name: keyof typeof seeds): Bytes =>
  ed25519.sign(joined(text('persisted-chat/join/1'), room, keyOf(name)), seeds[name])

function operation(seq: number, previous: Bytes, body: Bytes): { readonly id: Bytes; readonly bytes: Bytes } {
  const key = keyOf('founder')
  const id = hash(text('persisted-chat/membership-op/1'), room, key, ZEROS, u32(seq), previous, body)
  const signature = ed25519.sign(joined(text('persisted-chat/membership/1'), id), seeds.founder)
  return { id, bytes: joined(key, ZEROS, u32(seq), previous, u16(body.length), body, signature) }
}

const TIME = 1_763_670_000_000
const opening = operation(
  1,
  ZEROS,
  joined(number(1, 1), bytes(9, text('ops')), number(15, TIME), bytes(16, NONCE), bytes(17, keyOf('rescue'))),
)
const admission = operation(
  2,
  opening.id,
  joined(number(1, 2), bytes(2, keyOf('alice')), number(3, 3), bytes(8, consentOf('alice')), number(15, TIME + 1_000)),
)
const removal = operation(
  3,
  admission.id,
  joined(
    number(1, 3),
    bytes(2, keyOf('alice')),
    bytes(4, joined(ZEROS, u32(0), ZEROS)),
    bytes(5, joined(u32(7), u32(3), filled(32, 0xcc))),
    number(15, TIME + 2_000),
  ),
)

const history = operation(4, removal.id, joined(number(1, 10), number(15, TIME + 3_000), number(25, 50)))
const newcomer = operation(
  5,
  history.id,
  joined(
    number(1, 2),
    bytes(2, keyOf('bob')),
    number(3, 4),
    bytes(8, consentOf('bob')),
    number(15, TIME + 4_000),
    number(25, 50),
    bytes(26, text('17636700005000042')),
  ),
)

const invitationSeed = filled(16, 0xab)
const inviteSecret = hash(text('persisted-chat/invite-sign/1'), invitationSeed)
const codeBody = joined(Uint8Array.of(1), hash(text('persisted-chat/commit/1'), room).subarray(0, 10), invitationSeed)
const codeBytes = joined(codeBody, hash(text('persisted-chat/code/1'), codeBody).subarray(0, 3))

function crockford(value: Bytes): string {
  let rest = BigInt(`0x${hex(value)}`)
  let digits = ''
  for (let i = 0; i < (value.length * 8) / 5; i++, rest >>= 5n)
    digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.charAt(Number(rest & 31n)) + digits
  return digits
}

const cardSigned = joined(keyOf('alice'), u32(3), bytes(1, text('alice')), bytes(2, filled(32, 0xcc)), number(3, 1))
const card = joined(cardSigned, ed25519.sign(joined(text('persisted-chat/card/1'), room, cardSigned), seeds.alice))

const direct = [keyOf('founder'), keyOf('alice')].sort(Buffer.compare) as [Bytes, Bytes]
const hex = (value: Bytes): string => Buffer.from(value).toString('hex')

/** The vectors of docs/protocol/membership.md §9.16. */
export const membershipVectors: Readonly<Record<string, string>> = {
  'room id': hex(room),
  label: hex(hash(text('persisted-chat/label/1'), room)).slice(0, 16),
  'direct room id of founder and alice': hex(hash(text('persisted-chat/direct/1'), ...direct)),
  'consent of alice': hex(consentOf('alice')),
  'id of operation 1': hex(opening.id),
  'operation 1': hex(opening.bytes),
  'id of operation 2': hex(admission.id),
  'operation 2': hex(admission.bytes),
  'id of operation 3': hex(removal.id),
  'operation 3': hex(removal.bytes),
  'digest of the head after operation 3': hex(hash(...[opening.id, admission.id, removal.id].sort(Buffer.compare))),
  'id of operation 4': hex(history.id),
  'operation 4': hex(history.bytes),
  'id of operation 5': hex(newcomer.id),
  'operation 5': hex(newcomer.bytes),
  'invite key': hex(ed25519.getPublicKey(inviteSecret)),
  'find key': hex(hash(text('persisted-chat/invite-find/1'), invitationSeed)),
  'use by alice': hex(ed25519.sign(joined(text('persisted-chat/use/1'), room, keyOf('alice')), inviteSecret)),
  code: `PC-${crockford(codeBytes).replace(/.{4}(?!$)/g, '$&-')}`,
  'card of alice, version 3, internet key of bytes cc, relay': hex(card),
}
