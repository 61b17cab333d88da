import type { AuthorId, Run, Seq } from '../../log/format/author.js'
import type { Hlc } from '../../log/format/hybrid-clock.js'
import type { GivenRole } from './role.js'

declare const operationBrand: unique symbol

/** The id of an operation: 64 hex digits. Ids are ordered as text, which is the order of their bytes. */
export type OperationId = string & { readonly [operationBrand]: true }

/** Stands for "no operation": before the first operation of a log, and as the name of a key's first term. */
export const NO_OPERATION = '0'.repeat(64) as OperationId

/** Names one log of operations of a key: NO_OPERATION, or the id of the admission that opened it. */
export type TermId = OperationId

/** An invitation: the first 16 bytes of its invite key, in hex. */
export type InvitationId = string

/** `inviteKey` in hex. */
export const invitationOf = (inviteKey: string): InvitationId => inviteKey.slice(0, 32)

/** The end of the operations that count in one term of a key. Seq 0 with NO_OPERATION: no operation counts. */
export interface OperationPlace {
  readonly term: TermId
  readonly seq: number
  readonly id: OperationId
}

/** The end of the chat that counts in one run: the seq and the chain value there in hex. */
export interface RunEnd {
  readonly run: Run
  readonly seq: Seq
  readonly chain: string
}

/** The end of the chat that counts in all runs of a term, in ascending order. No entry of an unlisted run counts. */
export type ChatPlace = readonly RunEnd[]

/** A bound on stored content: by age or by size. */
export interface Keep {
  readonly unit: 'everything' | 'milliseconds' | 'bytes'
  /** 0 for everything. */
  readonly amount: number
}

/** Fields that all bodies have. */
interface Signed {
  /** The writer's clock in milliseconds since 1970: shown, but never used to decide anything. */
  readonly time: number
}

/** The first operation of the founder. */
export interface Open extends Signed {
  readonly kind: 'open'
  readonly nonce: string
  readonly rescue?: AuthorId
  readonly name: string
  /** 1 if only admins admit: programs then grant nobody the role host. */
  readonly closed?: 1
}

/** Which of the earlier lines a newcomer is given. Default: all. */
export interface Given {
  /** Their number: shown, but never used to decide anything. */
  readonly history?: number
  /** The date of the first of these lines. */
  readonly linesFrom?: Hlc
}

export interface Admit extends Signed, Given {
  readonly kind: 'admit'
  readonly subject: AuthorId
  readonly role: GivenRole
  /** The removals and leaves of the subject that the admission answers, in ascending order. */
  readonly answers?: readonly OperationId[]
  readonly invitation?: InvitationId
  /** The subject's signature over this room's id: nobody becomes a member unasked. */
  readonly consent: string
  /** How many guests a host may have at once. Default: HOST_GUESTS_DEFAULT. */
  readonly guests?: number
  /** Reserved: the person, if the subject is the key of their second device. */
  readonly of?: AuthorId
}

export interface Remove extends Signed {
  readonly kind: 'remove'
  readonly subject: AuthorId
  readonly place: OperationPlace
  readonly chat?: ChatPlace
}

interface Leave extends Signed {
  readonly kind: 'leave'
  readonly chat?: ChatPlace
}

interface Name extends Signed {
  readonly kind: 'name'
  readonly name: string
}

export interface Invite extends Signed {
  readonly kind: 'invite'
  readonly role: GivenRole
  readonly inviteKey: string
  readonly findKey: string
  /** When it expires, in milliseconds since 1970. */
  readonly until: number
  readonly uses: number
}

export interface Revoke extends Signed {
  readonly kind: 'revoke'
  readonly invitation: InvitationId
}

/** Erases the content of the subject's entries from `from` to `to`, where the chain value is `chain`. */
export interface Erase extends Signed {
  readonly kind: 'erase'
  readonly subject: AuthorId
  readonly run: Run
  readonly from: Seq
  readonly to: Seq
  readonly chain: string
}

interface SetKeep extends Signed {
  readonly kind: 'keep'
  readonly keep: Keep
}

interface SetHistory extends Signed {
  readonly kind: 'history'
  /** How many earlier lines newcomers are given; HISTORY_ALL for all. */
  readonly history: number
}

/** The content of an operation. docs/protocol/membership.md §9.3. */
export type Body = Open | Admit | Remove | Leave | Name | Invite | Revoke | Erase | SetKeep | SetHistory

export type BodyKind = Body['kind']
