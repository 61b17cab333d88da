/** A question of DNS, as it is asked. */
interface Question {
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'PTR' | 'SRV' | 'TXT' | 'ANY'
}

/** An address as multicast DNS says it. */
export interface AddressRecord {
  readonly type: 'A' | 'AAAA'
  readonly name: string
  /** Seconds; 0 is a goodbye. */
  readonly ttl: number
  readonly data: string
}

/** A record as it is sent. */
export type DnsRecord =
  | AddressRecord
  | { readonly type: 'PTR'; readonly name: string; readonly ttl: number; readonly data: string }
  | {
      readonly type: 'SRV'
      readonly name: string
      readonly ttl: number
      readonly data: { readonly port: number; readonly target: string }
    }
  | { readonly type: 'TXT'; readonly name: string; readonly ttl: number; readonly data: readonly string[] }

/** A packet as it is sent. */
export interface Packet {
  readonly type: 'query' | 'response'
  readonly questions?: readonly Question[]
  readonly answers?: readonly DnsRecord[]
  readonly authorities?: readonly DnsRecord[]
}

/** What is read of packets, questions and records, any of which may be missing or odd. */
export type Fields = Readonly<
  Partial<
    Record<
      | 'questions'
      | 'answers'
      | 'authorities'
      | 'additionals'
      | 'name'
      | 'type'
      | 'ttl'
      | 'data'
      | 'port'
      | 'target'
      | 'priority'
      | 'weight',
      unknown
    >
  >
>

export const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? value : {})

export function itemsOf(
  packet: unknown,
  section: 'questions' | 'answers' | 'authorities' | 'additionals',
): readonly unknown[] {
  const items = fieldsOf(packet)[section]
  return Array.isArray(items) ? items : []
}

/** The records that a response gives; additionals count, for many put there what belongs to an answer. */
export const recordsIn = (response: unknown): Fields[] =>
  [...itemsOf(response, 'answers'), ...itemsOf(response, 'additionals')].map(fieldsOf)

/** Letters of DNS are equal in either case where they are ASCII, and only there. RFC 6762 §16. */
export const lowered = (name: string): string => name.replace(/[A-Z]+/g, letters => letters.toLowerCase())

/** Whether both are one name of DNS. */
export const isSameName = (name: unknown, lower: string): name is string =>
  typeof name === 'string' && lowered(name) === lower
