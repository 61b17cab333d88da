import { boolean, count, either, listOf, mapOf, number, oneOf, optional, record, text } from '../../base/shape.js'
import type { Present } from '../../chat/presence/present.js'
import { AUTHOR_ID, LOG_ID, type LogId, type Seq } from '../../log/format/author.js'
import { STORED_FAULT, type StoredFault } from '../../log/format/log-fault.js'
import type { PlaceRange } from '../../log/format/places.js'
import { DIAL_ATTEMPT, type DialAttempt } from '../../net/dial-target.js'
import type { MessageRequest } from '../../node/direct-rooms/message-requests.js'
import type { ConnectionSummary } from '../../node/events.js'
import { type Asking, isPin, type KnownSet } from '../../node/people/pin.js'
import type { Companion } from '../../node/room-api.js'
import type { Holder, ReplicaHead, ReplicaHeads, Replicas } from '../../sync/receipts.js'

// The state of a room that a node sends to its faces. Values that a newer node sends and that are unknown here are
// omitted.

/** The outcome of verifying one stored log. */
interface Verdict {
  readonly author: LogId
  readonly last: Seq
  readonly fault: StoredFault | undefined
}

export const isReplicas = record<Replicas>({
  on: count,
  of: count,
  left: count,
  differing: optional(count),
  strangers: optional(count),
})

const isPartialHead = record<Exclude<ReplicaHead, number>>({
  seq: count,
  without: listOf(record<PlaceRange>({ from: count, to: count })),
})

const isReplicaHead = either(count, isPartialHead)

/** Replicas of each log, by run. */
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
  dialing: listOf(record<DialAttempt>(DIAL_ATTEMPT)),
  indirect: optional(count),
  openedAt: optional(number),
})

export const isPresent = record<Present>({
  author: optional(AUTHOR_ID),
  name: text,
  state: oneOf(['connected', 'indirect', 'left']),
  away: optional(text),
  isTyping: boolean,
  lastHeardMs: number,
  hops: number,
})

/** As a node stores it. */
export const isMessageRequest = record<MessageRequest>({
  key: AUTHOR_ID,
  block: text,
  name: text,
  text,
  since: number,
  changes: count,
})

const isAsking = record<Asking>({ key: AUTHOR_ID, name: text, since: number, isKnown: boolean })

export const isKnownSet = record<KnownSet>({
  pins: listOf(isPin),
  addressed: listOf(AUTHOR_ID),
  asking: optional(listOf(isAsking)),
})

export const isHolders = listOf(
  record<Holder>({
    peer: text,
    isConnected: boolean,
    isKnown: boolean,
    holds: boolean,
    isSameHistory: optional(boolean),
    sinceMs: optional(number),
  }),
)

export const isCompanions = listOf(record<Companion>({ author: AUTHOR_ID, of: AUTHOR_ID }))

export const isVerdict = record<Verdict>({ author: LOG_ID, last: count, fault: optional(STORED_FAULT) })
