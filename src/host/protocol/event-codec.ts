import { isFields, variant } from '../../base/shape.js'
import { FACE_EVENTS, type FaceEvent } from './events.js'

/** Longest part of an unknown kind that is shown. */
const KIND_LENGTH_MAX = 64

/** A missing or malformed field makes an event unknown. */
const isFaceEvent = variant(Object.fromEntries(Object.entries(FACE_EVENTS).map(([kind, { fields }]) => [kind, fields])))

/**
 * Decodes an event from a node; undefined if it has no kind. A newer node may send kinds, fields and codes that are
 * unknown here.
 */
export function readEvent(value: unknown): FaceEvent | undefined {
  if (isFaceEvent(value)) return value as FaceEvent
  const kind = isFields(value) ? value['kind'] : undefined
  return typeof kind === 'string' ? { kind: 'unknown-event', name: kind.slice(0, KIND_LENGTH_MAX) } : undefined
}
