import fc from 'fast-check'
import { DISK_FAULTS } from '../../src/base/files/disk-faults.js'
import { FACE_EVENT_KINDS, type FaceEvent } from '../../src/host/protocol/events.js'
import type { LogId } from '../../src/log/format/author.js'
import type { Rejection } from '../../src/log/format/log-fault.js'
import { DOUBT_REASONS } from '../../src/log/mark/doubt.js'
import { ROLES } from '../../src/membership/format/role.js'
import { DIAL_FAILURES } from '../../src/net/dial-failure.js'
import { CLOSE_REASONS } from '../../src/net/events.js'
import { VIOLATIONS } from '../../src/net/violation.js'
import { NASTY } from './forbidden.js'

/** Text as a stranger may send it. */
const strangersText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...NASTY), { maxLength: 12 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary' }),
)

const count = fc.nat()
const author = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex') as LogId)
const text = strangersText
const failure = fc.record({ reason: fc.constantFrom(...DISK_FAULTS, 'other' as const), detail: text })
const address = fc.record({ host: text, port: count })
const attempt = {
  name: text,
  address,
  tries: count,
  reason: fc.constantFrom(...DIAL_FAILURES),
  detail: text,
}
const fileFault = fc.record({
  file: text,
  kind: fc.constantFrom('current', 'manifest', 'journal', 'table', 'in-use'),
  problem: fc.constantFrom('missing', 'unreadable', 'damaged', 'damaged-in-use', 'repeated-records'),
  at: count,
  names: text,
} as const)

type Fields<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: {
    readonly [F in keyof Extract<T, { readonly kind: K }> as F extends 'kind' ? never : F]-?: fc.Arbitrary<
      Exclude<Extract<T, { readonly kind: K }>[F], undefined>
    >
  }
}

/** Any of the variants that differ in their `kind`. */
function variant<T extends { readonly kind: string }>(fields: Fields<T>): fc.Arbitrary<T> {
  const records = Object.entries<Record<string, fc.Arbitrary<unknown>>>(fields).map(([kind, members]) =>
    fc.record({ kind: fc.constant(kind), ...members }),
  )
  return fc.oneof(...records) as unknown as fc.Arbitrary<T>
}

const REJECTIONS: Fields<Rejection> = {
  'author-limit': { authorsMax: count },
  'run-limit': { runsMax: count },
  'stranger-limit': {},
  'log-length-limit': {},
  'malformed-author': {},
  'not-a-member': {},
  'unsigned-log': {},
  'unsigned-entries': {},
  gap: { missing: count, before: count },
  'segment-too-long': { first: count },
  'invalid-entry': { seq: count },
  'malformed-entry': {},
  'invalid-signature': { seq: count },
  'unsigned-contradiction': { seq: count },
  'signed-contradiction': { before: count },
  'contradicts-log': {},
  'contradicts-proof': {},
  differs: {},
}

const EVENTS: Fields<FaceEvent> = {
  'admission-asked': { name: text, key: text, isClaimed: fc.boolean() },
  'already-open': { name: text, hasOtherFaces: fc.boolean() },
  announced: {
    name: text,
    chosenName: text,
    interfaces: fc.array(fc.record({ name: text, address: text }), { maxLength: 4 }),
    more: count,
  },
  'clock-differs': { peer: text, aheadMs: fc.integer() },
  'clock-unset': { nowMs: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  'connect-refused': { peer: text, detail: text },
  'connection-lost': { peer: text, reason: fc.constantFrom(...CLOSE_REASONS) },
  'connection-opened': { peer: text, protocol: fc.constantFrom('native', 'scuttleup') },
  'connections-changed': {
    connected: fc.array(text),
    plain: fc.array(text),
    dialing: fc.array(fc.record(attempt)),
    indirect: count,
  },
  'database-damaged': { detail: text },
  'database-repaired': { kept: text, faults: fc.array(fileFault) },
  'dial-failed': attempt,
  'dialled-self': { name: text, address },
  'directory-open-to-others': { directory: text, access: fc.constantFrom('read', 'write'), failure },
  'direct-message': { room: text, name: text },
  'message-request': { name: text, key: text },
  'strangers-ask': { count },
  'disk-failed': { failure },
  'disk-recovered': {},
  'entries-lost': { author, from: count, to: count },
  'entries-missing': { author, from: count, to: count },
  'entries-rejected': { peer: text, author: text, reason: variant(REJECTIONS) },
  'entry-damaged': { author, seq: count },
  'entry-recovered': { seq: count },
  'log-stopped': { author, seq: count, last: count },
  'fork-proven': { author, seq: count, isOurs: fc.boolean() },
  'invitation-overused': { members: fc.array(text), uses: count },
  'key-created': { name: text, file: text },
  'key-open-to-others': { file: text, failure },
  'key-renewed': { name: text, key: author, before: author },
  'key-without-entries': { file: text },
  listening: { address: text, room: text },
  'log-end-restored': {},
  'logs-opened': { database: text },
  'mark-failed': { file: text, failure },
  'member-admitted': { member: text, by: text, role: fc.constantFrom(...ROLES) },
  'member-gone': { member: text, by: text },
  'membership-ended': { by: text },
  'multicast-failed': { interface: text, address: text, code: text },
  'multicast-port-unavailable': { port: count, code: text },
  'no-interface': {},
  'node-answers': {},
  'node-silent': { name: text, pid: count, sinceMs: fc.integer() },
  'older-version': { address: text },
  'other-key': { me: text, name: text, key: author, pinned: author },
  'operations-forked': { member: text },
  'own-key-elsewhere': { peer: text },
  'peer-left': { peer: text },
  'port-taken': { port: count, usedPort: count },
  'protocol-violated': { peer: text, violation: fc.constantFrom(...VIOLATIONS) },
  'room-entered': { room: text },
  'run-opened': { run: count, reason: fc.constantFrom(...DOUBT_REASONS) },
  'strangers-came': { count },
  'strangers-left': { count },
  'unknown-event': { name: text },
}

/** Any event, with strangers' text in every field that may contain it. */
export const anyEvent: fc.Arbitrary<FaceEvent> = variant(EVENTS)

/** One event of each kind. */
export const oneOfEach = (): FaceEvent[] =>
  Object.keys(FACE_EVENT_KINDS).flatMap(kind =>
    fc.sample(variant({ [kind]: EVENTS[kind as FaceEvent['kind']] } as never) as fc.Arbitrary<FaceEvent>, 1),
  )
