import fc from 'fast-check'
import type { Form, Members, Shape } from '../../src/base/shape.js'
import { FACE_EVENTS, type FaceEvent } from '../../src/host/protocol/events.js'
import { NASTY } from './forbidden.js'

/** Text as a stranger may send it. */
const strangersText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...NASTY), { maxLength: 12 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary' }),
)

const recordOf = (members: Members): Record<string, fc.Arbitrary<unknown>> =>
  Object.fromEntries(Object.entries(members).map(([field, shape]) => [field, anyOf(shape)]))

const variantOf = (kind: string, members: Members): fc.Arbitrary<unknown> =>
  fc.record({ kind: fc.constant(kind), ...recordOf(members) })

/** Any value of a shape, with strangers' text in every text. */
function anyOf({ form }: { readonly form: Form }): fc.Arbitrary<unknown> {
  switch (form.kind) {
    case 'text':
      return strangersText
    case 'count':
      return fc.nat()
    case 'number':
      return fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    case 'boolean':
      return fc.boolean()
    case 'matching':
      return fc.constant(form.example)
    case 'codes':
      return fc.constantFrom(...form.codes)
    case 'optional':
      return fc.option(anyOf(form.of), { nil: undefined })
    case 'list':
      return fc.array(anyOf(form.of), { maxLength: 6 })
    case 'map':
      return fc.dictionary(strangersText, anyOf(form.of))
    case 'either':
      return fc.oneof(...form.of.map((each: Shape<unknown>) => anyOf(each)))
    case 'record':
      return fc.record(recordOf(form.members))
    case 'variant':
      return fc.oneof(...Object.entries(form.variants).map(([kind, members]) => variantOf(kind, members)))
  }
}

const EVENTS = Object.entries(FACE_EVENTS).map(
  ([kind, { fields }]) => variantOf(kind, fields) as fc.Arbitrary<FaceEvent>,
)

/** Any event, with strangers' text in every field that may contain it. */
export const anyEvent: fc.Arbitrary<FaceEvent> = fc.oneof(...EVENTS)

/** One event of each kind. */
export const oneOfEach = (): FaceEvent[] => EVENTS.flatMap(event => fc.sample(event, 1))
