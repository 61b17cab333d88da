import { concat, sameBytes } from '../../base/wire/bytes.js'
import { type Field, readFields, varintField } from '../../base/wire/fields.js'
import { SEQ_MAX } from '../../log/limits.js'
import { BODY_BYTES_MAX, GUESTS_MAX, HISTORY_ALL, LONG_BODY_BYTES_MAX } from '../limits.js'
import type { Body, BodyKind } from './body.js'
import {
  answersType,
  chatType,
  dateType,
  type FieldType,
  hexType,
  ID_BYTES,
  keepType,
  nameType,
  numberType,
  placeType,
  roleType,
} from './field-types.js'
import { NONCE_BYTES } from './room.js'

const KIND_FIELD = 1
const INVITATION_BYTES = 16
const CONSENT_BYTES = 64

/** The fields of all bodies, in the order of their numbers. docs/protocol/membership.md §9.3. */
const FIELDS = {
  subject: [2, hexType(ID_BYTES)],
  role: [3, roleType],
  place: [4, placeType],
  chat: [5, chatType],
  answers: [6, answersType],
  invitation: [7, hexType(INVITATION_BYTES)],
  consent: [8, hexType(CONSENT_BYTES)],
  name: [9, nameType],
  inviteKey: [10, hexType(ID_BYTES)],
  findKey: [11, hexType(ID_BYTES)],
  until: [12, numberType(0)],
  uses: [13, numberType(1, 0xffff_ffff)],
  guests: [14, numberType(0, GUESTS_MAX)],
  time: [15, numberType(0)],
  nonce: [16, hexType(NONCE_BYTES)],
  rescue: [17, hexType(ID_BYTES)],
  run: [18, numberType(0, 0xffff_ffff)],
  keep: [19, keepType],
  of: [20, hexType(ID_BYTES)],
  from: [21, numberType(1, SEQ_MAX)],
  to: [22, numberType(1, SEQ_MAX)],
  chain: [23, hexType(ID_BYTES)],
  closed: [24, numberType(1, 1)],
  history: [25, numberType(0, HISTORY_ALL)],
  linesFrom: [26, dateType],
} as const

type FieldName = keyof typeof FIELDS

interface Shape {
  readonly number: number
  readonly required: readonly FieldName[]
  readonly optional?: readonly FieldName[]
}

/** Which fields a body of each kind has. */
const SHAPES: Readonly<Record<BodyKind, Shape>> = {
  open: { number: 1, required: ['name', 'time', 'nonce'], optional: ['rescue', 'closed'] },
  admit: {
    number: 2,
    required: ['subject', 'role', 'consent', 'time'],
    optional: ['answers', 'invitation', 'guests', 'of', 'history', 'linesFrom'],
  },
  remove: { number: 3, required: ['subject', 'place', 'time'], optional: ['chat'] },
  leave: { number: 4, required: ['time'], optional: ['chat'] },
  name: { number: 5, required: ['name', 'time'] },
  invite: { number: 6, required: ['role', 'inviteKey', 'findKey', 'until', 'uses', 'time'] },
  revoke: { number: 7, required: ['invitation', 'time'] },
  erase: { number: 8, required: ['subject', 'time', 'run', 'from', 'to', 'chain'] },
  keep: { number: 9, required: ['time', 'keep'] },
  history: { number: 10, required: ['time', 'history'] },
}

const FIELD_NAMES = Object.keys(FIELDS) as FieldName[]
const NAME_BY_NUMBER = new Map<number, FieldName>(FIELD_NAMES.map(name => [FIELDS[name][0], name]))
const KIND_BY_NUMBER = new Map(Object.entries(SHAPES).map(([kind, { number }]) => [number, kind as BodyKind]))

const typeOf = (name: FieldName): FieldType<unknown> => FIELDS[name][1] as FieldType<unknown>

const bytesMaxOf = (kind: BodyKind): number =>
  kind === 'remove' || kind === 'leave' ? LONG_BODY_BYTES_MAX : BODY_BYTES_MAX

/** The canonical bytes of a body: fields in ascending order, each once, in the shortest form. */
export function encodeBody(body: Body): Uint8Array {
  const values = body as unknown as Readonly<Record<string, unknown>>
  const parts = [varintField(KIND_FIELD, SHAPES[body.kind].number)]
  for (const name of FIELD_NAMES)
    if (values[name] !== undefined) parts.push(typeOf(name).write(FIELDS[name][0], values[name]))
  return concat(parts)
}

/** Decodes a body; undefined for anything but its canonical bytes. */
export function decodeBody(bytes: Uint8Array): Body | undefined {
  if (bytes.length > LONG_BODY_BYTES_MAX) return undefined
  const [first, ...fields] = readFields(bytes) ?? []
  const kind = first?.kind === 'varint' ? KIND_BY_NUMBER.get(first.value) : undefined
  if (kind === undefined || bytes.length > bytesMaxOf(kind)) return undefined
  const values = valuesOf(SHAPES[kind], fields)
  if (values === undefined) return undefined
  const body = { kind, ...values } as unknown as Body
  if (body.kind === 'erase' && body.from > body.to) return undefined
  if (body.kind === 'admit' && body.guests !== undefined && body.role !== 'host') return undefined
  return sameBytes(encodeBody(body), bytes) ? body : undefined
}

/** The values of the fields, if they match the shape. */
function valuesOf({ required, optional = [] }: Shape, fields: readonly Field[]): Record<string, unknown> | undefined {
  const values: Record<string, unknown> = {}
  for (const field of fields) {
    const name = NAME_BY_NUMBER.get(field.number)
    if (name === undefined || !(required.includes(name) || optional.includes(name))) return undefined
    const value = typeOf(name).read(field)
    if (value === undefined) return undefined
    values[name] = value
  }
  return required.every(name => values[name] !== undefined) ? values : undefined
}
