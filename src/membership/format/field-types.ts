import { NAME_BYTES_MAX } from '../../base/names.js'
import { ByteReader } from '../../base/wire/byte-reader.js'
import { ByteWriter } from '../../base/wire/byte-writer.js'
import { hexOf, textOf, utf8 } from '../../base/wire/bytes.js'
import { bytesField, type Field, varintField } from '../../base/wire/fields.js'
import { type Hlc, hlcOf } from '../../log/format/hybrid-clock.js'
import { ANSWERS_MAX, CHAT_RUNS_MAX } from '../limits.js'
import type { ChatPlace, Keep, OperationId, OperationPlace, RunEnd } from './body.js'
import { type GivenRole, ROLES } from './role.js'

/** The values of one field. `read` returns undefined for a value that is not allowed. */
export interface FieldType<T> {
  write(number: number, value: T): Uint8Array
  read(field: Field): T | undefined
}

export const ID_BYTES = 32
const DATE_MILLIS_DIGITS = 13
const RUN_END_BYTES = 4 + 4 + ID_BYTES

const delimited = <T>(write: (value: T) => Uint8Array, read: (bytes: Uint8Array) => T | undefined): FieldType<T> => ({
  write: (number, value) => bytesField(number, write(value)),
  read: ({ kind, value }) => (kind === 'bytes' ? read(value) : undefined),
})

/** A number from `min` to `max`. */
export const numberType = (min: number, max: number = Number.MAX_SAFE_INTEGER): FieldType<number> => ({
  write: varintField,
  read: ({ kind, value }) => (kind === 'varint' && value >= min && value <= max ? value : undefined),
})

/** Bytes of a fixed length, as hex. */
export const hexType = (length: number): FieldType<string> =>
  delimited(
    value => Buffer.from(value, 'hex'),
    bytes => (bytes.length === length ? hexOf(bytes) : undefined),
  )

/** A name: 1 to NAME_BYTES_MAX bytes of UTF-8. Faces make it safe to show. */
export const nameType: FieldType<string> = delimited(utf8, bytes =>
  bytes.length === 0 || bytes.length > NAME_BYTES_MAX ? undefined : textOf(bytes),
)

/** The date of an entry: the 17 digits of its `at`. */
export const dateType: FieldType<Hlc> = delimited(
  date => utf8(date.replace('.', '')),
  bytes => {
    const digits = textOf(bytes) ?? ''
    return hlcOf(`${digits.slice(0, DATE_MILLIS_DIGITS)}.${digits.slice(DATE_MILLIS_DIGITS)}`)
  },
)

export const roleType: FieldType<GivenRole> = {
  write: (number, role) => varintField(number, ROLES.indexOf(role)),
  read: ({ kind, value }) =>
    kind === 'varint' && value >= ROLES.indexOf('admin') ? (ROLES[value] as GivenRole | undefined) : undefined,
}

export const placeType: FieldType<OperationPlace> = delimited(
  ({ term, seq, id }) => new ByteWriter().bytes(bytesOf(term)).u32(seq).bytes(bytesOf(id)).finish(),
  bytes => {
    const reader = new ByteReader(bytes)
    const term = idOf(reader.bytes(ID_BYTES))
    const seq = reader.u32()
    const id = idOf(reader.bytes(ID_BYTES))
    const isEmpty = /^0+$/.test(id)
    return isEmpty === (seq === 0) ? reader.end({ term, seq, id }) : undefined
  },
)

export const chatType: FieldType<ChatPlace> = delimited(
  chat => {
    const writer = new ByteWriter()
    for (const { run, seq, chain } of chat) writer.u32(run).u32(seq).bytes(bytesOf(chain))
    return writer.finish()
  },
  bytes => {
    if (bytes.length === 0 || bytes.length > CHAT_RUNS_MAX * RUN_END_BYTES) return undefined
    const reader = new ByteReader(bytes)
    const chat: RunEnd[] = []
    while (reader.remaining > 0) {
      const [run, seq, chain] = [reader.u32(), reader.u32(), hexOf(reader.bytes(ID_BYTES))]
      if (seq === 0 || run <= (chat.at(-1)?.run ?? -1)) return undefined
      chat.push({ run, seq, chain })
    }
    return reader.end(chat)
  },
)

export const answersType: FieldType<readonly OperationId[]> = delimited(
  answers => Buffer.from(answers.join(''), 'hex'),
  bytes => {
    if (bytes.length === 0 || bytes.length > ANSWERS_MAX * ID_BYTES) return undefined
    const reader = new ByteReader(bytes)
    const answers: OperationId[] = []
    while (reader.remaining > 0) {
      const id = idOf(reader.bytes(ID_BYTES))
      if (id <= (answers.at(-1) ?? '')) return undefined
      answers.push(id)
    }
    return reader.end(answers)
  },
)

const UNITS = ['everything', 'milliseconds', 'bytes'] as const

export const keepType: FieldType<Keep> = delimited(
  ({ unit, amount }) => new ByteWriter().u8(UNITS.indexOf(unit)).varint(amount).finish(),
  bytes => {
    const reader = new ByteReader(bytes)
    const unit = UNITS[reader.u8()]
    const amount = reader.varint()
    if (unit === undefined || (unit === 'everything') !== (amount === 0)) return undefined
    return reader.end({ unit, amount })
  },
)

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')
const idOf = (bytes: Uint8Array): OperationId => hexOf(bytes) as OperationId
