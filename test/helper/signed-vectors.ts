import * as oracle from './signed-oracle.js'

// What stands in test/vectors/, made by the oracle alone, and so without a line of src/. Everything in it is fixed: keys are
// made from seeds of equal bytes, and Ed25519 signs the same thing alike every time.

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const { hex, prefixed } = oracle
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const PEOPLE = { alice: seedOf(1), bob: seedOf(2) } as const
type Name = keyof typeof PEOPLE

const LOBBY = oracle.room('lobby')

function entry(millis: number, username: string, message: string, counter = 0): Uint8Array {
  const at = `${millis}.${String(counter).padStart(4, '0')}`
  return utf8(JSON.stringify({ at, username, message }))
}

const BEGIN = 1_763_670_000_000

/** The entries `from` to `to` of a log as one segment. */
function segmentOf(name: Name, entries: readonly Uint8Array[], from: number, to: number): oracle.OracleSegment {
  const key = oracle.publicKey(PEOPLE[name])
  const place = { room: LOBBY, key }
  const chain = oracle.chain(place, entries)
  const signature = oracle.sign(PEOPLE[name], oracle.signedBytes(place, to, chain[to] as Uint8Array))
  return { key, first: from, before: chain[from - 1] as Uint8Array, signature, entries: entries.slice(from - 1, to) }
}

const CHAT = [
  entry(BEGIN + 123, 'alice', 'hello', 7),
  utf8(`{"at":"${BEGIN + 200}.0000","time":1763669000000,"username":"alice","message":"my clock was behind"}`),
  utf8(`{"at":"${BEGIN + 200}.0001","type":"reaction","to":["${'0'.repeat(64)}",1],"username":"alice","message":"👍"}`),
  entry(BEGIN + 5_000, 'alice', 'ünïcödé, "quoted" and \n broken'),
]
const BOBS = [entry(BEGIN + 150, 'bob', 'hello alice'), entry(BEGIN + 9_999, 'bob', 'bye')]

function rooms() {
  const names = ['lobby', 'ops', 'café', 'cafe\u0301', '日本', 'a'.repeat(32)]
  return names.map(name => ({ name, id: hex(oracle.room(name.normalize('NFC'))) }))
}

function logs() {
  return (['alice', 'bob'] as const).map(name => {
    const key = oracle.publicKey(PEOPLE[name])
    const entries = name === 'alice' ? CHAT : BOBS
    const place = { room: LOBBY, key }
    const chain = oracle.chain(place, entries)
    return {
      seed: hex(PEOPLE[name]),
      key: hex(key),
      room: hex(LOBBY),
      entries: entries.map(bytes => Buffer.from(bytes).toString()),
      chain: chain.map(hex),
      signatures: entries.map((_, index) =>
        hex(oracle.sign(PEOPLE[name], oracle.signedBytes(place, index + 1, chain[index + 1] as Uint8Array))),
      ),
    }
  })
}

/** Entries that with their lengths take exactly `bytes`. */
function filling(bytes: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let left = bytes
  for (let index = 0; left > 0; index++) {
    const bare = entry(BEGIN + index, 'alice', '').length
    const size = left > 9_000 ? 8_000 : left
    const made = entry(BEGIN + index, 'alice', 'x'.repeat(size - 2 - bare))
    entries.push(made)
    left -= made.length + 2
  }
  return entries
}

function segments() {
  const many = Array.from({ length: 300 }, (_, index) => entry(BEGIN + index, 'alice', `line ${index + 1}`))
  const full = filling(32_768 - 134)
  const longest = [entry(BEGIN, 'alice', 'x'.repeat(16_384 - entry(BEGIN, 'alice', '').length))]
  const good = (what: string, segment: oracle.OracleSegment) => {
    const bytes = oracle.writeSegment(segment)
    const [key, value] = oracle.segmentRow(bytes)
    return {
      what,
      bytes: base64(bytes),
      key: hex(segment.key),
      first: segment.first,
      count: segment.entries.length,
      before: hex(segment.before),
      signature: hex(segment.signature),
      lengths: segment.entries.map(({ length }) => length),
      row: { key: hex(key), checksum: hex(value.subarray(0, 4)) },
    }
  }
  const one = oracle.writeSegment(segmentOf('alice', CHAT, 1, 1))
  const changed = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = Uint8Array.from(one)
    copy.set(bytes, at)
    return copy
  }
  return {
    good: [
      good('one entry', segmentOf('alice', CHAT, 1, 1)),
      good('entries 2 to 4 of a log', segmentOf('alice', CHAT, 2, 4)),
      good('three hundred entries', segmentOf('alice', many, 1, 300)),
      good('one entry, as long as may be', segmentOf('alice', longest, 1, 1)),
      good('as long as a segment may be', segmentOf('alice', full, 1, full.length)),
    ],
    bad: [
      { what: 'nothing', bytes: '' },
      { what: 'a header alone', bytes: base64(one.subarray(0, 134)) },
      { what: 'a header that is cut', bytes: base64(one.subarray(0, 133)) },
      { what: 'an entry that is cut', bytes: base64(one.subarray(0, -1)) },
      { what: 'a byte behind the last entry', bytes: base64(joined(one, Uint8Array.of(0))) },
      { what: 'a first seq of 0', bytes: base64(changed(32, 0, 0, 0, 0)) },
      { what: 'a count of 0', bytes: base64(joined(changed(36, 0, 0).subarray(0, 134))) },
      { what: 'a count of one more than there are entries', bytes: base64(changed(36, 0, 2)) },
      {
        what: 'a last seq beyond 2^32 - 1',
        bytes: base64(joined(changed(32, 255, 255, 255, 255, 0, 2), one.subarray(134))),
      },
      {
        what: 'an entry of over 16 KiB',
        bytes: base64(joined(one.subarray(0, 134), prefixed(new Uint8Array(16_385)))),
      },
      {
        what: 'a segment of over 32 KiB',
        bytes: base64(
          oracle.writeSegment({ ...segmentOf('alice', full, 1, full.length), entries: filling(32_768 - 134 + 1) }),
        ),
      },
    ],
  }
}

const field = {
  number: (tag: number, value: number): Uint8Array => joined(leb(tag * 8), leb(value)),
  bytes: (tag: number, value: Uint8Array): Uint8Array => joined(leb(tag * 8 + 2), prefixed(value)),
  text: (tag: number, value: string): Uint8Array => field.bytes(tag, utf8(value)),
}

function leb(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

/** The opening of a link: what each side writes, in order, and the same in words. */
function hello() {
  const sides = {
    dialler: { address: 'alice.local:26501', name: 'alice', instance: 0xa1, nonce: 0xa2, ageMs: 1_000, nowMs: BEGIN },
    listener: {
      address: 'bob.local:4000',
      name: 'bob',
      instance: 0xb1,
      nonce: 0xb2,
      ageMs: 86_400_000,
      nowMs: BEGIN + 70,
    },
  } as const
  const made = (role: keyof typeof sides) => {
    const { name, instance, nonce, ageMs, nowMs } = sides[role]
    const key = oracle.publicKey(PEOPLE[name])
    const parts = { instance: new Uint8Array(16).fill(instance), nonce: new Uint8Array(32).fill(nonce) }
    const bytes = joined(
      field.number(1, 1),
      field.bytes(2, LOBBY),
      field.bytes(3, parts.instance),
      field.bytes(4, key),
      field.bytes(5, parts.nonce),
      field.number(6, ageMs),
      field.number(7, nowMs),
    )
    return { role, ...sides[role], seed: PEOPLE[name], key, ...parts, bytes }
  }
  const dialler = made('dialler')
  const listener = made('listener')
  const proof = (role: 0 | 1, seed: Uint8Array): Uint8Array =>
    oracle.sign(
      seed,
      joined(
        utf8('persisted-chat/link/1'),
        LOBBY,
        dialler.nonce,
        listener.nonce,
        dialler.key,
        listener.key,
        Uint8Array.of(role),
      ),
    )
  const proofs = { dialler: proof(0, dialler.seed), listener: proof(1, listener.seed) }
  const told = ({ address, seed, key, instance, nonce, ageMs, nowMs, bytes }: ReturnType<typeof made>) => ({
    address,
    seed: hex(seed),
    key: hex(key),
    instance: hex(instance),
    nonce: hex(nonce),
    ageMs,
    nowMs,
    hello: hex(bytes),
  })
  const addresses = [prefixed(utf8(dialler.address)), prefixed(utf8(listener.address))] as const
  return {
    room: hex(LOBBY),
    dialler: { ...told(dialler), proof: hex(proofs.dialler) },
    listener: { ...told(listener), proof: hex(proofs.listener) },
    written: [
      { by: 'dialler', what: 'its address', bytes: hex(addresses[0]) },
      { by: 'listener', what: 'its address', bytes: hex(addresses[1]) },
      { by: 'dialler', what: 'that it is one of ours', bytes: '00' },
      {
        by: 'listener',
        what: 'that it is one too, and its hello',
        bytes: hex(joined(Uint8Array.of(0), prefixed(listener.bytes))),
      },
      {
        by: 'dialler',
        what: 'its hello and its proof',
        bytes: hex(joined(prefixed(dialler.bytes), prefixed(proofs.dialler))),
      },
      { by: 'listener', what: 'its proof', bytes: hex(prefixed(proofs.listener)) },
    ],
  }
}

function frames() {
  const key = oracle.publicKey(PEOPLE.alice)
  const place = { room: LOBBY, key }
  const chain = oracle.chain(place, CHAT)
  const framed = (type: number, body: Uint8Array): string => hex(prefixed(joined(Uint8Array.of(type), body)))
  const segment = oracle.writeSegment(segmentOf('alice', CHAT, 1, 4))
  const other = oracle.writeSegment(segmentOf('bob', BOBS, 1, 2))
  const unsigned = utf8('{"username":"carol","message":"from the original program"}')
  const change = (id: string, seq: number, bytes: Uint8Array): Uint8Array =>
    joined(field.text(1, id), field.number(2, seq), field.bytes(3, bytes))
  const signature = oracle.sign(PEOPLE.alice, oracle.signedBytes(place, 4, chain[4] as Uint8Array))
  const last = CHAT[3] as Uint8Array
  const sig = Buffer.from(signature).toString('base64url')
  const travelling = joined(last.subarray(0, -1), utf8(`,"sig":"${sig}"}`))
  return {
    ours: {
      heads: {
        of: [
          { author: hex(key), seq: 4, chain: hex((chain[4] as Uint8Array).subarray(0, 8)) },
          { author: hex(oracle.publicKey(PEOPLE.bob)), seq: 2 },
          { author: 'ciz9ebxt60000um6cqt7uc4ha', seq: 300 },
        ],
        bytes: framed(
          1,
          joined(
            field.bytes(1, joined(key, u32(4), (chain[4] as Uint8Array).subarray(0, 8))),
            field.bytes(1, joined(oracle.publicKey(PEOPLE.bob), u32(2))),
            field.bytes(2, joined(field.text(1, 'ciz9ebxt60000um6cqt7uc4ha'), field.number(2, 300))),
          ),
        ),
      },
      noHeads: framed(1, new Uint8Array(0)),
      segments: { of: [hex(segment), hex(other)], bytes: framed(2, joined(prefixed(segment), prefixed(other))) },
      unsigned: {
        of: { id: 'ciz9ebxt60000um6cqt7uc4ha', seq: 300, entry: Buffer.from(unsigned).toString() },
        bytes: framed(3, change('ciz9ebxt60000um6cqt7uc4ha', 300, unsigned)),
      },
      frozen: {
        of: { author: hex(key), seq: 2, chain: hex((chain[2] as Uint8Array).subarray(0, 8)), frozen: 3 },
        bytes: framed(1, field.bytes(1, joined(key, u32(2), (chain[2] as Uint8Array).subarray(0, 8), u32(3)))),
      },
      fingerprints: {
        of: [
          { author: hex(key), seq: 4, chain: hex((chain[4] as Uint8Array).subarray(0, 8)) },
          { author: hex(oracle.publicKey(PEOPLE.bob)), seq: 2, frozen: 3 },
          { author: 'ciz9ebxt60000um6cqt7uc4ha', seq: 300 },
        ],
        bytes: framed(
          7,
          oracle.sums([
            [hex(key), joined(u32(4), u32(0), (chain[4] as Uint8Array).subarray(0, 8))],
            [hex(oracle.publicKey(PEOPLE.bob)), joined(u32(2), u32(3), new Uint8Array(8))],
            ['ciz9ebxt60000um6cqt7uc4ha', joined(u32(300), u32(0), new Uint8Array(8))],
          ]),
        ),
      },
      notes: {
        of: [
          { kind: 'announce', author: hex(key), seq: 4, chain: hex((chain[4] as Uint8Array).subarray(0, 8)) },
          { kind: 'subscribe', author: hex(oracle.publicKey(PEOPLE.bob)), seq: 2 },
          { kind: 'unsubscribe', author: hex(key), seq: 3 },
          { kind: 'announce', author: 'ciz9ebxt60000um6cqt7uc4ha', seq: 300 },
          { kind: 'subscribe', author: 'ciz9ebxt60000um6cqt7uc4ha', seq: 0 },
        ],
        bytes: framed(
          6,
          joined(
            field.bytes(1, joined(key, u32(4), (chain[4] as Uint8Array).subarray(0, 8))),
            field.bytes(2, joined(oracle.publicKey(PEOPLE.bob), u32(2))),
            field.bytes(3, joined(key, u32(3))),
            field.bytes(4, joined(field.text(1, 'ciz9ebxt60000um6cqt7uc4ha'), field.number(2, 300))),
            field.bytes(5, joined(field.text(1, 'ciz9ebxt60000um6cqt7uc4ha'), field.number(2, 0))),
          ),
        ),
      },
      status: (() => {
        const of = {
          version: BEGIN + 123,
          until: BEGIN + 420_123,
          state: 'away',
          reach: 16,
          name: 'alice',
          text: 'lunch',
          typingMs: 6_000,
        }
        const fields = joined(
          field.number(1, of.version),
          field.number(2, of.until),
          field.number(3, 1),
          field.number(4, of.reach),
          field.text(5, of.name),
          field.text(6, of.text),
          field.number(7, of.typingMs),
        )
        const signature = oracle.sign(PEOPLE.alice, joined(utf8('persisted-chat/status/1'), LOBBY, key, fields))
        return {
          room: hex(LOBBY),
          seed: hex(PEOPLE.alice),
          of,
          first: framed(8, joined(Uint8Array.of(1), key, signature, fields)),
          second: framed(8, joined(Uint8Array.of(2), key, signature, fields)),
        }
      })(),
      digests: (() => {
        const ids = ['0123456789abcdef', 'fedcba9876543210', '00000000000000ff'] as const
        const first = [
          { id: ids[0], check: 123, ageMs: 0 },
          { id: ids[1], check: 65_535, ageMs: 10_001 },
        ]
        const second = [
          { id: ids[1], check: 7, ageMs: 100_000 },
          { id: ids[2], check: 0, ageMs: 4_000 },
        ]
        const named = (id: string, check: number): Uint8Array => joined(Buffer.from(id, 'hex'), u16(check))
        return {
          first: {
            of: first,
            // The table begins; two authors, no changes; codes 0 and 6.
            bytes: framed(
              14,
              joined(Uint8Array.of(1, 2), named(ids[0], 123), named(ids[1], 65_535), Uint8Array.of(0, 0x06)),
            ),
          },
          second: {
            of: second,
            // One more author; the check of place 1 has changed; codes 15 (the first is not known to be alive), 14 and 2.
            bytes: framed(
              14,
              joined(
                Uint8Array.of(0, 1),
                named(ids[2], 0),
                Uint8Array.of(1),
                u16(1),
                u16(7),
                Uint8Array.of(0xfe, 0x20),
              ),
            ),
          },
          request: { of: ids.slice(0, 2), bytes: framed(15, Buffer.from(ids[0] + ids[1], 'hex')) },
        }
      })(),
      view: (() => {
        const contacts = [
          { id: '0123456789abcdef', host: '192.168.1.20', port: 26501 },
          { id: 'fedcba9876543210', host: 'fd00:0:0:0:0:0:0:2', port: 4000 },
          { id: '00000000000000ff', port: 65535 },
        ]
        const written = [
          joined(oracle.unhex('0123456789abcdef'), Uint8Array.of(0x67, 0x85, 4, 192, 168, 1, 20)),
          joined(
            oracle.unhex('fedcba9876543210'),
            Uint8Array.of(0x0f, 0xa0, 6),
            oracle.unhex(`fd00${'0'.repeat(24)}0002`),
          ),
          joined(oracle.unhex('00000000000000ff'), Uint8Array.of(0xff, 0xff, 0)),
        ] as const
        return {
          neighbour: { port: 26501, links: 12, bytes: framed(9, Uint8Array.of(0x67, 0x85, 12)) },
          question: { contacts: [], bytes: framed(10, new Uint8Array(0)) },
          answer: { contacts, bytes: framed(11, joined(...written)) },
          newcomer: { hops: 6, contact: contacts[0], bytes: framed(12, joined(Uint8Array.of(6), written[0])) },
          full: { contacts: contacts.slice(1), bytes: framed(13, joined(written[1], written[2])) },
        }
      })(),
      unknown: framed(200, utf8('of a later version')),
    },
    original: {
      handshake: {
        of: {
          id: hex(key),
          head: [
            { id: hex(key), seq: 4 },
            { id: 'ciz9ebxt60000um6cqt7uc4ha', seq: 300 },
          ],
          mode: 'sync',
        },
        bytes: hex(
          prefixed(
            joined(
              field.text(1, hex(key)),
              field.bytes(2, joined(field.text(1, hex(key)), field.number(2, 4))),
              field.bytes(2, joined(field.text(1, 'ciz9ebxt60000um6cqt7uc4ha'), field.number(2, 300))),
              field.number(3, 1),
            ),
          ),
        ),
      },
      change: {
        of: { id: hex(key), seq: 4, entry: Buffer.from(last).toString(), signature: hex(signature) },
        entry: Buffer.from(travelling).toString(),
        bytes: hex(prefixed(change(hex(key), 4, travelling))),
      },
    },
  }
}

/** An export, and the rows of the database that has taken it in. */
function store() {
  const alices = segmentOf('alice', CHAT, 1, 4)
  const bobs = segmentOf('bob', BOBS, 1, 2)
  const rows = [alices, bobs].flatMap(segment => {
    const [key, value] = oracle.segmentRow(oracle.writeSegment(segment))
    const at = (entry: Uint8Array | undefined): string => Buffer.from(entry?.subarray(7, 25) ?? []).toString()
    const chain = oracle.chain({ room: LOBBY, key: segment.key }, segment.entries).at(-1) as Uint8Array
    const head = {
      seq: segment.entries.length,
      chain: hex(chain),
      first: at(segment.entries[0]),
      last: at(segment.entries.at(-1)),
      size: segment.entries.reduce((sum, entry) => sum + prefixed(entry).length, 0),
    }
    return [
      { what: 'a segment', key: hex(key), value: hex(value) },
      { what: 'a head', key: hex(joined(utf8('h'), segment.key)), value: hex(oracle.headValue(head)) },
    ]
  })
  const parts = [alices, bobs].map(segment => prefixed(oracle.writeSegment(segment)))
  const frames = parts.map(part => prefixed(joined(Uint8Array.of(2), part)))
  const file = joined(utf8('persisted-chat/export/2\n'), LOBBY, ...frames)
  const before = joined(utf8('persisted-chat/export/1\n'), LOBBY, ...parts)
  return {
    room: hex(LOBBY),
    export: base64(file),
    /** As exports were before they held proofs: still read. */
    exportBefore: base64(before),
    entries: CHAT.length + BOBS.length,
    rows: rows.sort((a, b) => (a.key < b.key ? -1 : 1)),
    offered: {
      what: "the seq of alice's own log last offered, of 258",
      key: hex(joined(utf8('o'), oracle.publicKey(PEOPLE.alice))),
      value: hex(u32(258)),
    },
  }
}

const AT = '1763670000123.0007'
const words = (text: string): string => base64(utf8(text))

function entries() {
  const said = '"username":"alice","message":"hello"'
  const padded = (bytes: number): string => {
    const bare = `{"at":"${AT}","username":"alice","message":""}`
    return `{"at":"${AT}","username":"alice","message":"${'x'.repeat(bytes - bare.length)}"}`
  }
  const sig = (length: number): string => `"sig":"${'A'.repeat(length)}"`
  return {
    at: AT,
    /** What stands before each of them. */
    previous: '1763670000123.0006',
    valid: [
      { what: 'a line', bytes: words(`{"at":"${AT}",${said}}`) },
      { what: 'empty texts', bytes: words(`{"at":"${AT}","username":"","message":""}`) },
      { what: 'white space within', bytes: words(`{"at":"${AT}" ,\n\t"username":"alice","message":"hello"\r}`) },
      {
        what: 'other members, and a type that nobody knows',
        bytes: words(`{"at":"${AT}","type":"poll",${said},"x":[1e999,null]}`),
      },
      { what: 'a second at, which nobody reads', bytes: words(`{"at":"${AT}",${said},"at":"never"}`) },
      { what: 'a member twice, the last of which is a text', bytes: words(`{"at":"${AT}","username":7,${said}}`) },
      {
        what: 'half a surrogate pair, escaped',
        bytes: words(`{"at":"${AT}","username":"\\ud800","message":"\\udfff"}`),
      },
      { what: 'a byte-order mark within', bytes: words(`{"at":"${AT}","username":"\ufeff","message":""}`) },
      { what: 'a sig that is not last', bytes: words(`{"at":"${AT}",${sig(86)},${said}}`) },
      { what: 'a sig of 85 characters', bytes: words(`{"at":"${AT}",${said},${sig(85)}}`) },
      { what: 'a sig of 87 characters', bytes: words(`{"at":"${AT}",${said},${sig(87)}}`) },
      { what: 'a sig behind white space', bytes: words(`{"at":"${AT}",${said}, ${sig(86)}}`) },
      { what: '16 KiB', bytes: words(padded(16_384)) },
      {
        what: 'members within members, 7,000 deep',
        bytes: words(`{"at":"${AT}",${said},"x":${'['.repeat(7_000)}${']'.repeat(7_000)}}`),
      },
      { what: 'a member called __proto__', bytes: words(`{"at":"${AT}","__proto__":{"username":7},${said}}`) },
    ],
    invalid: [
      { what: 'nothing', rule: 'begins', bytes: '' },
      { what: 'one byte over 16 KiB', rule: 'at most 16 KiB', bytes: words(padded(16_385)) },
      {
        what: 'ill-formed UTF-8',
        rule: 'UTF-8',
        bytes: base64(joined(utf8(`{"at":"${AT}",${said},"x":"`), Uint8Array.of(0xc0, 0x80), utf8('"}'))),
      },
      {
        what: 'half a surrogate pair in UTF-8',
        rule: 'UTF-8',
        bytes: base64(joined(utf8(`{"at":"${AT}",${said},"x":"`), Uint8Array.of(0xed, 0xa0, 0x80), utf8('"}'))),
      },
      { what: 'a byte-order mark before it', rule: 'begins', bytes: words(`\ufeff{"at":"${AT}",${said}}`) },
      { what: 'white space before at', rule: 'begins', bytes: words(`{ "at":"${AT}",${said}}`) },
      { what: 'white space behind at', rule: 'begins', bytes: words(`{"at": "${AT}",${said}}`) },
      { what: 'at behind another member', rule: 'begins', bytes: words(`{${said},"at":"${AT}"}`) },
      { what: 'no at', rule: 'begins', bytes: words(`{${said}}`) },
      { what: 'an at of 12 digits', rule: 'begins', bytes: words(`{"at":"176367000012.0008",${said}}`) },
      { what: 'an at of 14 digits', rule: 'begins', bytes: words(`{"at":"17636700001230.008",${said}}`) },
      { what: 'an at with a comma', rule: 'begins', bytes: words(`{"at":"1763670000123,0008",${said}}`) },
      { what: 'an at of other digits than ASCII', rule: 'begins', bytes: words(`{"at":"176367000012३.0008",${said}}`) },
      { what: 'an at that goes on', rule: 'begins', bytes: words(`{"at":"${AT}0",${said}}`) },
      { what: 'white space behind it', rule: 'ends', bytes: words(`{"at":"${AT}",${said}} `) },
      { what: 'a line feed behind it', rule: 'ends', bytes: words(`{"at":"${AT}",${said}}\n`) },
      { what: 'two objects', rule: 'JSON', bytes: words(`{"at":"${AT}",${said}}{}`) },
      { what: 'a comma too many', rule: 'JSON', bytes: words(`{"at":"${AT}",${said},}`) },
      { what: 'a control character in a text', rule: 'JSON', bytes: words(`{"at":"${AT}",${said},"x":"\u0001"}`) },
      { what: 'NaN', rule: 'JSON', bytes: words(`{"at":"${AT}",${said},"x":NaN}`) },
      { what: 'no username', rule: 'username', bytes: words(`{"at":"${AT}","message":"hello"}`) },
      {
        what: 'a username that is a number',
        rule: 'username',
        bytes: words(`{"at":"${AT}","username":7,"message":"hello"}`),
      },
      {
        what: 'a username twice, the last of which is no text',
        rule: 'username',
        bytes: words(`{"at":"${AT}",${said},"username":null}`),
      },
      {
        what: 'a username that is not its own',
        rule: 'username',
        bytes: words(`{"at":"${AT}","__proto__":{"username":"alice"},"message":"hello"}`),
      },
      { what: 'no message', rule: 'message', bytes: words(`{"at":"${AT}","username":"alice"}`) },
      {
        what: 'a message that is a list',
        rule: 'message',
        bytes: words(`{"at":"${AT}","username":"alice","message":["hello"]}`),
      },
      { what: 'a signature as last member', rule: 'signed', bytes: words(`{"at":"${AT}",${said},${sig(86)}}`) },
      { what: 'the time of the entry before', rule: 'after', bytes: words(`{"at":"1763670000123.0006",${said}}`) },
      { what: 'a time before the entry before', rule: 'after', bytes: words(`{"at":"0000000000000.0001",${said}}`) },
    ],
  }
}

/** The files of test/vectors/, by name. */
export const vectors = { rooms, logs, segments, hello, frames, store, entries } as const
