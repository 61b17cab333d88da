// Frames of side channels (presence, peer exchange) with one mutated field, and a receiver that checks their effects.
import assert from 'node:assert/strict'
import { concat } from '../../src/base/wire/bytes.js'
import { frame } from '../../src/base/wire/frames.js'
import {
  DIGEST_TYPE,
  DigestWriter,
  encodeStatusRequest,
  STATUS_REQUEST_TYPE,
} from '../../src/chat/presence/digest-codec.js'
import { Roster } from '../../src/chat/presence/roster.js'
import { readStatus, STATUS_TYPE, signStatus } from '../../src/chat/presence/status-codec.js'
import { HyParView } from '../../src/net/overlay/hyparview.js'
import { PASSIVE_VIEW_MAX } from '../../src/net/overlay/limits.js'
import {
  type Contact,
  decodePexFrame,
  dialableAddress,
  encodePexFrame,
  type OutgoingPexFrame,
} from '../../src/net/overlay/pex-codec.js'
import { alice, bob, carol, LOBBY_ID } from './signed-world.js'

const NOW = 1_800_000_000_000
/** Byte ranges of the fields of a status. */
const STATUS_PARTS = { hops: [1, 2], key: [2, 34], signature: [34, 98], fields: [98, undefined] } as const
const CONTACT: Contact = { id: '0123456789abcdef', host: '10.0.0.9', port: 4_000 }
const CONTACT_V6: Contact = { id: 'fedcba9876543210', host: 'fd00::2', port: 4_000 }
const FROM = '10.0.0.7'

const TRUE = [
  { keys: alice, name: 'alice', text: 'lunch' },
  { keys: bob, name: 'bob', text: '' },
]

/** Statuses that alice and bob signed. */
const STATUSES = TRUE.flatMap(({ keys, name, text }) =>
  [1, 2, 3].map(version =>
    signStatus(keys, LOBBY_ID, {
      version: NOW + version,
      until: NOW + 300_000,
      state: text === '' ? 'present' : 'away',
      reach: 16,
      name,
      text,
      typingMs: version === 3 ? 6_000 : 0,
    }),
  ),
)

const PEX_FRAMES: readonly OutgoingPexFrame[] = [
  { kind: 'neighbour', port: 4_000, connections: 3 },
  { kind: 'shuffle-request', contacts: [CONTACT] },
  { kind: 'shuffle-reply', contacts: [CONTACT, CONTACT_V6, { ...CONTACT, host: undefined }] },
  { kind: 'forward-join', hops: 6, contact: CONTACT },
  { kind: 'full', contacts: [CONTACT_V6] },
]

/** Short keys for a digest and a status request. */
const KEYS = ['0123456789abcdef', 'fedcba9876543210']
const DIGEST = bodyOf(new DigestWriter().next(KEYS.map((id, place) => ({ id, check: place, ageMs: place * 7_000 }))))
const REQUEST = bodyOf(encodeStatusRequest(KEYS))

/** The body of a short frame. */
function bodyOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(1)
}

export const SIDE_CHANNEL_FIELDS = {
  digest: ['all'],
  request: ['all'],
  status: ['hops', 'key', 'signature', 'fields', 'all'],
  view: ['neighbour', 'shuffle-request', 'shuffle-reply', 'forward-join', 'full'],
} as const

/** A frame in which `garble` mutated one field. */
export function sideChannelFrame(
  pick: <T>(items: readonly T[]) => T,
  message: keyof typeof SIDE_CHANNEL_FIELDS,
  part: string,
  garble: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  if (message === 'view') {
    const said = PEX_FRAMES.find(({ kind }) => kind === part) ?? pick(PEX_FRAMES)
    const bytes = encodePexFrame(said)
    return frame(concat([bytes.subarray(1, 2), garble(bytes.subarray(2))]))
  }
  if (message !== 'status') {
    const body = message === 'digest' ? DIGEST : REQUEST
    return frame(concat([body.subarray(0, 1), garble(body.subarray(1))]))
  }
  const status = pick(STATUSES)
  if (part === 'all') return frame(concat([status.subarray(0, 1), garble(status.subarray(1))]))
  const [from, to] = STATUS_PARTS[part as keyof typeof STATUS_PARTS]
  return frame(
    concat([status.subarray(0, from), garble(status.subarray(from, to)), status.subarray(to ?? status.length)]),
  )
}

export const PRESENCE_TYPES: readonly number[] = [STATUS_TYPE, DIGEST_TYPE, STATUS_REQUEST_TYPE]

/** Receives the frames of one connection. Throws if a forged status is accepted, or a forbidden address is dialled. */
export class SideChannelReceiver {
  readonly #isCareless: boolean
  readonly #roster = new Roster({
    keys: carol,
    room: LOBBY_ID,
    me: 'carol',
    hasWritten: () => false,
    isKnown: () => false,
    random: () => 0.5,
  })
  readonly #view = new HyParView({ id: '00000000000000aa', port: 4_000, isPresent: () => false, random: () => 0.5 })

  /** `isCareless`: for the control, signatures of statuses are not verified. */
  constructor(isCareless: boolean) {
    this.#isCareless = isCareless
    this.#roster.connected(1, { author: undefined, name: 'dave', aheadMs: 0, bytesRead: () => 0 }, NOW)
    this.#view.opened({ connection: 1, id: '00000000000000bb', host: FROM, isNamed: false }, NOW)
  }

  /** Returns whether the connection is still open. */
  receive(body: Uint8Array): boolean {
    const type = body[0] ?? 0
    if (PRESENCE_TYPES.includes(type)) {
      const status = type === STATUS_TYPE ? readStatus(body) : undefined
      if (this.#isCareless && status !== undefined) this.#assertGenuine(status.name, status.text)
      if (this.#roster.receive(1, body, NOW + 10) === 'bad') return false
      for (const { name, away, state } of this.#roster.list(NOW + 10))
        if (state === 'indirect') this.#assertGenuine(name, away ?? '')
      return true
    }
    const effects = this.#view.receive(1, decodePexFrame(body), NOW + 10)
    if (effects === 'bad') return false
    for (const effect of effects) {
      if (effect.kind === 'dial')
        assert.deepEqual(
          dialableAddress({ id: effect.id, ...effect.address }, FROM),
          effect.address,
          'dials an address that is not allowed',
        )
      if (effect.kind === 'send') encodePexFrame(effect.frame)
    }
    assert.ok(this.#view.passiveSize <= PASSIVE_VIEW_MAX)
    return true
  }

  #assertGenuine(name: string, text: string): void {
    assert.ok(
      TRUE.some(one => one.name === name && (one.text === text || text === '')),
      `accepts a status of ${name} that they did not sign`,
    )
  }
}
