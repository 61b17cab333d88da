/** A DNS question. */
interface Question {
  readonly name: string
  readonly type: 'A' | 'AAAA' | 'PTR' | 'SRV' | 'TXT' | 'ANY'
}

/** An address record. */
export interface AddressRecord {
  readonly type: 'A' | 'AAAA'
  readonly name: string
  /** Seconds; 0 is a goodbye. */
  readonly ttl: number
  readonly data: string
}

/** A record to send. */
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

/** A packet to send. */
export interface Packet {
  readonly type: 'query' | 'response'
  readonly questions?: readonly Question[]
  readonly answers?: readonly DnsRecord[]
  readonly authorities?: readonly DnsRecord[]
}

/** The fields that we read from received packets, questions and records. Any of them may be missing or malformed. */
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

/** The records of a response. Includes additionals, because many responders put answers there. */
export const recordsIn = (response: unknown): Fields[] =>
  [...itemsOf(response, 'answers'), ...itemsOf(response, 'additionals')].map(fieldsOf)

/** DNS ignores the case of ASCII letters only. RFC 6762 §16. */
export const lowered = (name: string): string => name.replace(/[A-Z]+/g, letters => letters.toLowerCase())

/** Whether both are the same DNS name. */
export const isSameName = (name: unknown, lower: string): name is string =>
  typeof name === 'string' && lowered(name) === lower
