import { DISK_FAULTS, type DiskFailure } from '../../base/files/disk-faults.js'
import type { Rejection } from '../../log/format/log-fault.js'
import { DOUBT_REASONS } from '../../log/mark/doubt.js'
import type { FileFault } from '../../log/store/leveldb/check.js'
import { ROLES } from '../../membership/format/role.js'
import { DIAL_FAILURES } from '../../net/dial-failure.js'
import type { DialAttempt } from '../../net/dial-target.js'
import { CLOSE_REASONS } from '../../net/events.js'
import type { Address } from '../../net/lan/address.js'
import { VIOLATIONS } from '../../net/violation.js'
import { isCount, isFields } from './codec.js'
import type { FaceEvent } from './events.js'
import {
  boolean,
  listOf,
  log,
  number,
  oneOf,
  optional,
  record,
  type Shape,
  type Shapes,
  text,
  variant,
} from './guards.js'

/** Longest part of an unknown kind that is shown. */
const KIND_LENGTH_MAX = 64

const failure = record<DiskFailure>({ reason: oneOf([...DISK_FAULTS, 'other']), detail: text })
const address = record<Address>({ host: text, port: isCount })
export const ATTEMPT: Shape<DialAttempt> = {
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
  'run-limit': { runsMax: isCount },
  'stranger-limit': {},
  'log-length-limit': {},
  'malformed-author': {},
  'not-a-member': {},
  'unsigned-log': {},
  'unsigned-entries': {},
  gap: { missing: isCount, before: isCount },
  'segment-too-long': { first: isCount },
  'invalid-entry': { seq: isCount },
  'malformed-entry': {},
  'invalid-signature': { seq: isCount },
  'unsigned-contradiction': { seq: isCount },
  'signed-contradiction': { before: isCount },
  'contradicts-log': {},
  'contradicts-proof': {},
  differs: {},
})

/** The fields of each kind. A missing or malformed one makes an event unknown. */
const SHAPES: Shapes<FaceEvent> = {
  'admission-asked': { name: text, key: text, isClaimed: optional(boolean) },
  'already-open': { name: text, hasOtherFaces: boolean },
  announced: {
    name: text,
    chosenName: text,
    interfaces: listOf(record({ name: text, address: text })),
    more: isCount,
  },
  'clock-differs': { peer: text, aheadMs: number },
  'other-key': { me: text, name: text, key: text, pinned: text },
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
  'direct-message': { room: text, name: text },
  'disk-failed': { failure },
  'disk-recovered': {},
  'entries-lost': { author: log, from: isCount, to: isCount },
  'entries-missing': { author: log, from: isCount, to: isCount },
  'entries-rejected': { peer: text, author: text, reason: rejection },
  'entry-damaged': { author: log, seq: isCount },
  'entry-recovered': { seq: isCount },
  'log-stopped': { author: log, seq: isCount, last: isCount },
  'fork-proven': { author: log, seq: isCount, isOurs: boolean },
  'invitation-overused': { members: listOf(text), uses: isCount },
  'key-created': { name: text, file: text },
  'key-open-to-others': { file: text, failure: optional(failure) },
  'key-renewed': { name: text, key: text, before: text },
  'key-without-entries': { file: text },
  listening: { address: text, room: text },
  'log-end-restored': {},
  'logs-opened': { database: text },
  'mark-failed': { file: optional(text), failure },
  'member-admitted': { member: text, by: text, role: oneOf(ROLES) },
  'member-gone': { member: text, by: optional(text) },
  'membership-ended': { by: optional(text) },
  'message-request': { name: text, key: text },
  'multicast-failed': { interface: text, address: text, code: text },
  'multicast-port-unavailable': { port: isCount, code: text },
  'no-interface': {},
  'node-answers': {},
  'node-silent': { name: text, pid: optional(isCount), sinceMs: number },
  'older-version': { address: text },
  'operations-forked': { member: text },
  'own-key-elsewhere': { peer: text },
  'peer-left': { peer: text },
  'port-taken': { port: isCount, usedPort: isCount },
  'protocol-violated': { peer: text, violation: oneOf(VIOLATIONS) },
  'room-entered': { room: text },
  'run-opened': { run: isCount, reason: oneOf(DOUBT_REASONS) },
  'strangers-ask': { count: isCount },
  'strangers-came': { count: isCount },
  'strangers-left': { count: isCount },
  'unknown-event': { name: text },
}

const isFaceEvent = variant(SHAPES)

/** An event as a node sent it; undefined where it has no kind. A newer node may send kinds, fields and codes that are unknown here. */
export function readEvent(value: unknown): FaceEvent | undefined {
  if (isFaceEvent(value)) return value
  const kind = isFields(value) ? value['kind'] : undefined
  return typeof kind === 'string' ? { kind: 'unknown-event', name: kind.slice(0, KIND_LENGTH_MAX) } : undefined
}
