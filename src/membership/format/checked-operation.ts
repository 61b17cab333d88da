import { sameBytes } from '../../base/wire/bytes.js'
import { type Body, NO_OPERATION } from './body.js'
import { isValidConsent } from './consent.js'
import { decodeOperation, isOperationSigned, type Operation } from './operation.js'
import { type PrivateRoom, privateRoom } from './room.js'

/** Why an operation is not accepted. */
type OperationFault =
  /** Not the bytes of an operation, or longer than an operation of its kind may be. */
  | 'malformed'
  /** Not signed by its author for this room. */
  | 'invalid-signature'
  /** The subject of the admission has not agreed to be a member. */
  | 'invalid-consent'
  /** Opens the room without being the founder's first operation, or is the founder's first operation and does not open this room. */
  | 'not-the-opening'

export type CheckedOperation =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'rejected'; readonly reason: OperationFault }

/**
 * Checks everything that depends on one operation alone. Its bytes may come from anywhere. The evaluation of all operations decides which
 * ones count. docs/protocol/membership.md §9.4.
 */
export function checkOperation(room: PrivateRoom, bytes: Uint8Array): CheckedOperation {
  const operation = decodeOperation(room.id, bytes)
  if (operation === undefined) return rejected('malformed')
  if (isFirstOfFounder(room, operation) !== (operation.body.kind === 'open')) return rejected('not-the-opening')
  if (operation.body.kind === 'open' && !opens(room, operation)) return rejected('not-the-opening')
  if (!isOperationSigned(operation)) return rejected('invalid-signature')
  const { body } = operation
  if (body.kind === 'admit' && !isValidConsent(room.id, body.subject, body.consent)) return rejected('invalid-consent')
  return { kind: 'operation', operation }
}

/** The room that an operation opens, if its id is `id`. Newcomers, who know only the id, learn the founder and the rescue key from it. */
export function openedRoom(id: Uint8Array, bytes: Uint8Array): PrivateRoom | undefined {
  const operation = decodeOperation(id, bytes)
  if (operation?.body.kind !== 'open') return undefined
  const room: PrivateRoom = { id, founder: operation.author, rescue: operation.body.rescue }
  return checkOperation(room, bytes).kind === 'operation' ? room : undefined
}

const isFirstOfFounder = ({ founder }: PrivateRoom, { author, term, seq }: Operation): boolean =>
  author === founder && term === NO_OPERATION && seq === 1

function opens(room: PrivateRoom, { author, body }: { author: Operation['author']; body: Body }): boolean {
  if (body.kind !== 'open' || body.rescue !== room.rescue) return false
  // Zeros stand for no rescue key, so two openings would have the same id.
  if (body.rescue === (NO_OPERATION as string)) return false
  return sameBytes(privateRoom(author, Buffer.from(body.nonce, 'hex'), body.rescue).id, room.id)
}

const rejected = (reason: OperationFault): CheckedOperation => ({ kind: 'rejected', reason })
