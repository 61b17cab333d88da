import { DISK_FAULTS, type DiskFailure } from '../base/files/disk-faults.js'
import { type AuthorId, authorOf } from '../log/format/author.js'
import type { Rejection } from '../log/format/log-fault.js'
import type { FileFault } from '../log/store/leveldb/check.js'
import { DIAL_FAILURES } from '../net/dial-failure.js'
import type { DialAttempt } from '../net/dial-target.js'
import { CLOSE_REASONS } from '../net/events.js'
import type { Address } from '../net/lan/address.js'
import { VIOLATIONS } from '../net/violation.js'
import { isCount, isFields } from './codec.js'
import type { FaceEvent } from './events.js'

/** Longest part of an unknown kind that is shown. */
const KIND_LENGTH_MAX = 64

type Guard<T> = (value: unknown) => value is T
type Shape<T> = { readonly [F in keyof T as F extends 'kind' ? never : F]-?: Guard<T[F]> }
type Shapes<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: Shape<Extract<T, { readonly kind: K }>>
}

const text: Guard<string> = (value): value is string => typeof value === 'string'
const number: Guard<number> = (value): value is number => Number.isFinite(value)
const boolean: Guard<boolean> = (value): value is boolean => typeof value === 'boolean'
const author: Guard<AuthorId> = (value): value is AuthorId => typeof value === 'string' && authorOf(value) === value

const optional =
  <T>(guard: Guard<T>): Guard<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || guard(value)

const listOf =
  <T>(guard: Guard<T>): Guard<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(guard)

const oneOf =
  <T extends string>(codes: readonly T[]): Guard<T> =>
  (value): value is T =>
    codes.some(code => code === value)

const record =
  <T>(shape: { readonly [F in keyof T]-?: Guard<T[F]> }): Guard<T> =>
  (value): value is T =>
    isFields(value) && Object.entries<Guard<unknown>>(shape).every(([field, guard]) => guard(value[field]))

/** One of several records, which differ in their `kind`. */
const variant =
  <T extends { readonly kind: string }>(shapes: Shapes<T>): Guard<T> =>
  (value): value is T => {
    const kind = isFields(value) ? value['kind'] : undefined
    if (typeof kind !== 'string' || !Object.hasOwn(shapes, kind)) return false
    const shape: Readonly<Record<string, Guard<unknown>>> = shapes[kind as T['kind']]
    return record(shape)(value)
  }

const failure = record<DiskFailure>({ reason: oneOf([...DISK_FAULTS, 'other']), detail: text })
const address = record<Address>({ host: text, port: isCount })
const ATTEMPT: Shape<DialAttempt> = {
  name: text,
  address,
  tries: isCount,
  reason: oneOf(DIAL_FAILURES),
  detail: optional(text),
}
const fileFault = record<FileFault>({
  file: text,
  kind: oneOf(['current', 'manifest', 'journal', 'table', 'in-use']),
  problem: oneOf(['missing', 'unreadable', 'damaged', 'damaged-in-use', 'repeated-records']),
  at: optional(isCount),
  names: optional(text),
})
const rejection = variant<Rejection>({
  'author-limit': { authorsMax: isCount },
  'new-author-limit': {},
  'log-size-limit': { bytesMax: isCount },
  'log-length-limit': {},
  'malformed-author': {},
  'unsigned-log': {},
  'unsigned-entries': {},
  gap: { missing: isCount, before: isCount },
  'segment-too-long': { first: isCount },
  'invalid-entry': { seq: isCount },
  'missing-content': { seq: isCount },
  'malformed-entry': {},
  'invalid-signature': { seq: isCount },
  'unsigned-contradiction': { seq: isCount },
  'signed-contradiction': { before: isCount },
  'contradicts-log': {},
  'contradicts-proof': {},
  differs: {},
  'not-author': {},
  forked: { forkedAt: isCount },
})

/** The fields of each kind. A missing or malformed one makes an event unknown. */
const SHAPES: Shapes<FaceEvent> = {
  'already-open': { name: text, hasOtherFaces: boolean },
  announced: {
    name: text,
    chosenName: text,
    interfaces: listOf(record({ name: text, address: text })),
    more: isCount,
  },
  'append-waits': {},
  'clock-differs': { peer: text, aheadMs: number },
  'clock-unset': { nowMs: number },
  'connect-refused': { peer: text, detail: text },
  'connection-lost': { peer: text, reason: oneOf(CLOSE_REASONS) },
  'connection-opened': { peer: text, protocol: oneOf(['native', 'scuttleup']) },
  'connections-changed': {
    connected: listOf(text),
    plain: listOf(text),
    dialing: listOf(record<DialAttempt>(ATTEMPT)),
    indirect: isCount,
  },
  'database-damaged': { detail: text },
  'database-repaired': { kept: text, faults: listOf(fileFault) },
  'dial-failed': ATTEMPT,
  'dialled-self': { name: text, address },
  'directory-open-to-others': { directory: text, access: oneOf(['read', 'write']), failure: optional(failure) },
  'disk-failed': { failure },
  'disk-recovered': {},
  'entries-lost': { author, from: isCount, to: isCount },
  'entries-missing': { author, from: isCount, to: isCount },
  'entries-rejected': { peer: text, author: text, reason: rejection },
  'entries-retracted': { from: isCount, to: isCount },
  'entry-damaged': { author, seq: isCount },
  'entry-recovered': { seq: isCount },
  'fork-proven': { author, seq: isCount, isOurs: boolean },
  'key-created': { name: text, file: text },
  'key-open-to-others': { file: text, failure: optional(failure) },
  'key-without-entries': { file: text },
  listening: { address: text, room: text },
  'log-behind': { to: isCount },
  'log-end-restored': {},
  'log-in-doubt': { reason: oneOf(['behind', 'other-history', 'moved', 'no-mark']), end: isCount, to: isCount },
  'log-restored': { seq: isCount },
  'logs-opened': { database: text },
  'mark-failed': { file: optional(text), failure },
  'multicast-failed': { interface: text, address: text, code: text },
  'multicast-port-unavailable': { port: isCount, code: text },
  'no-interface': {},
  'node-answers': {},
  'node-silent': { name: text, pid: optional(isCount), sinceMs: number },
  'older-version': { address: text },
  'own-entries-elsewhere': {},
  'own-key-elsewhere': { peer: text },
  'peer-left': { peer: text },
  'port-taken': { port: isCount, usedPort: isCount },
  'protocol-violated': { peer: text, violation: oneOf(VIOLATIONS) },
  'restore-given-up': {},
  'unknown-event': { name: text },
}

const isFaceEvent = variant(SHAPES)

/** An event as a node sent it; undefined where it has no kind. A newer node may send kinds, fields and codes that are unknown here. */
export function readEvent(value: unknown): FaceEvent | undefined {
  if (isFaceEvent(value)) return value
  const kind = isFields(value) ? value['kind'] : undefined
  return typeof kind === 'string' ? { kind: 'unknown-event', name: kind.slice(0, KIND_LENGTH_MAX) } : undefined
}
