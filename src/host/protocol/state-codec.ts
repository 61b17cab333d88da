import type { Present } from '../../chat/presence/present.js'
import type { LogId, Seq } from '../../log/format/author.js'
import type { StoredFault } from '../../log/format/log-fault.js'
import type { PlaceRange } from '../../log/format/places.js'
import type { DialAttempt } from '../../net/dial-target.js'
import type { MessageRequest } from '../../node/direct-rooms/message-requests.js'
import type { ConnectionSummary } from '../../node/events.js'
import { type Asking, type KnownSet, PIN_SOURCES, type Pin } from '../../node/people/pin.js'
import type { Companion } from '../../node/room-api.js'
import type { ReplicaHead, ReplicaHeads, Replicas } from '../../sync/receipts.js'
import { isCount } from './codec.js'
import { ATTEMPT } from './event-codec.js'
import { author, boolean, listOf, log, mapOf, number, oneOf, optional, record, text, variant } from './guards.js'

// What a node tells its faces about a room. A newer node may send values that are unknown here: they are left out.

/** The outcome of verifying one stored log. */
interface Verdict {
  readonly author: LogId
  readonly last: Seq
  readonly fault: StoredFault | undefined
}

export const isReplicas = record<Replicas>({
  on: isCount,
  of: isCount,
  left: isCount,
  differing: optional(isCount),
  strangers: optional(isCount),
})

const isPartialHead = record<Exclude<ReplicaHead, number>>({
  seq: isCount,
  without: listOf(record<PlaceRange>({ from: isCount, to: isCount })),
})

const isReplicaHead = (value: unknown): value is ReplicaHead => isCount(value) || isPartialHead(value)

/** By run. */
export const isReplicaHeads = mapOf(
  record<ReplicaHeads>({
    connected: listOf(isReplicaHead),
    left: listOf(isReplicaHead),
    differing: listOf(isReplicaHead),
    strangers: optional(listOf(isReplicaHead)),
  }),
)

export const isConnectionSummary = record<ConnectionSummary>({
  connected: listOf(text),
  plain: optional(listOf(text)),
  dialing: listOf(record<DialAttempt>(ATTEMPT)),
  indirect: optional(isCount),
  openedAt: optional(number),
})

export const isPresent = record<Present>({
  author: optional(author),
  name: text,
  state: oneOf(['connected', 'indirect', 'left']),
  away: optional(text),
  isTyping: boolean,
  lastHeardMs: number,
  hops: number,
})

export const isPin = record<Pin>({
  name: text,
  key: author,
  since: number,
  how: oneOf(PIN_SOURCES),
  other: optional(author),
  refused: optional(author),
})

/** As a node stores it. */
export const isMessageRequest = record<MessageRequest>({
  key: author,
  block: text,
  name: text,
  text,
  since: number,
  changes: isCount,
})

const isAsking = record<Asking>({ key: author, name: text, since: number, isKnown: boolean })

export const isKnownSet = record<KnownSet>({
  pins: listOf(isPin),
  addressed: listOf(author),
  asking: optional(listOf(isAsking)),
})

export const isCompanions = listOf(record<Companion>({ author, of: author }))

const isFault = variant<StoredFault>({
  'no-key': {},
  missing: { from: isCount, to: isCount },
  'damaged-head': {},
  'damaged-row': { seq: isCount },
  'damaged-entry': { seq: isCount },
  'missing-checksum': { seq: isCount },
  'broken-chain': { seq: isCount },
  'invalid-segment-signature': { seq: isCount, first: isCount },
  'out-of-order': { seq: isCount },
})

export const isVerdict = record<Verdict>({ author: log, last: isCount, fault: optional(isFault) })
