import type { Millis } from '../../base/clock.js'
import { listOf, number, oneOf, optional, record, text } from '../../base/shape.js'
import type { PinnedNames } from '../../chat/display-names.js'
import { skeletonOf } from '../../chat/skeleton.js'
import { AUTHOR_ID, type AuthorId } from '../../log/format/author.js'

/**
 * How the user learned which key a name has: the user named the peer, compared words with the person, or a private room
 * said so.
 */
export const PIN_SOURCES = ['met', 'compared', 'invited'] as const
export type PinSource = (typeof PIN_SOURCES)[number]

/** Binds a name to a key in all rooms of the user. */
export interface Pin {
  readonly name: string
  readonly key: AuthorId
  readonly since: Millis
  readonly how: PinSource
  /** Another key that answered under the name later, and that the user has not accepted. */
  readonly other?: AuthorId | undefined
  /** The former `other` key, which the user rejected by keeping `key`. It is not reported again. */
  readonly refused?: AuthorId | undefined
  /** Earlier keys, each of which signed the next one, the latest last. */
  readonly earlier?: readonly AuthorId[] | undefined
}

export const isPin = record<Pin>({
  name: text,
  key: AUTHOR_ID,
  since: number,
  how: oneOf(PIN_SOURCES),
  other: optional(AUTHOR_ID),
  refused: optional(AUTHOR_ID),
  earlier: optional(listOf(AUTHOR_ID)),
})

/** Somebody who wrote to the user directly, and whom the user does not talk with yet. */
export interface Asking {
  readonly key: AuthorId
  /** What they call themselves; empty if that name could not be shown unquoted. */
  readonly name: string
  readonly since: Millis
  readonly isKnown: boolean
}

/** The people whom the user knows, as data: pins, and addressed authors without a pin. */
export interface KnownSet {
  readonly pins: readonly Pin[]
  readonly addressed: readonly AuthorId[]
  readonly asking?: readonly Asking[] | undefined
}

/** Where pins are stored. */
export interface PinStore {
  pins(): Promise<readonly Pin[]>
  /** Authors whom the user addressed. */
  addressed(): Promise<readonly AuthorId[]>
  putPin(pin: Pin): Promise<void>
  deletePin(name: string): Promise<void>
  putAddressed(author: AuthorId): Promise<void>
}

/** Names that differ in case or in their Unicode form are one name. */
export const pinnedNameOf = (name: string): string => name.normalize('NFC').toLowerCase()

/** The keys that names are bound to, for labels. */
export const pinnedNamesOf = ({ pins }: Pick<KnownSet, 'pins'>): PinnedNames =>
  new Map(pins.map(({ name, key }) => [skeletonOf(name), key]))

export const pinOf = (name: string, { pins }: KnownSet): Pin | undefined =>
  pins.find(pin => pinnedNameOf(pin.name) === pinnedNameOf(name))
