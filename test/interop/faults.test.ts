import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test, { type TestContext } from 'node:test'
import { openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { change, framed, handshake, messageEntry, REQUEST, Stranger } from './scuttleup/stranger.js'

// Input of strangers that the scuttleup program does not survive, sent to a native peer. Controls that need a scuttleup peer
// only are in scuttleup.test.ts; the others are here.

const BOUND = { timeout: 300_000 }
const MIB = 1024 * 1024

/** Lower than any address here, so that it sends its address once. */
const STRANGER = '0.0.0.0:0'
const OPENING = [framed(STRANGER), handshake('stranger')]

const FIVE_GIB = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x14])
const LENGTH_OF_600_MIB = Buffer.from([0x80, 0x80, 0x80, 0xac, 0x02])

interface Attack {
  readonly what: string
  readonly sends: readonly Uint8Array[]
  /** What the native peer reports of it on stderr, unless it has just reported something of the kind of another stranger. */
  readonly reported?: RegExp
  /** What it shows of it. */
  readonly shown?: string
}

const entry = (message: string): string => messageEntry('mallory', message)

const ATTACKS: readonly Attack[] = [
  { what: 'an HTTP request', sends: [Buffer.from(REQUEST)] },
  { what: 'an address of 5 GiB', sends: [FIVE_GIB, Buffer.alloc(1_000)] },
  { what: 'an empty address', sends: [framed(''), handshake('stranger')] },
  {
    what: 'a malformed frame',
    sends: [...OPENING, framed(Buffer.alloc(8, 0xff))],
    reported: /disconnected: it sent a malformed entry/,
  },
  { what: 'a malformed handshake', sends: [framed(STRANGER), framed(Buffer.alloc(8, 0xff))], reported: /disconnected/ },
  {
    what: 'a frame of 5 GiB',
    sends: [...OPENING, FIVE_GIB, Buffer.alloc(1_000)],
    reported: /disconnected: it sent a frame of over/,
  },
  {
    what: 'an author called __proto__',
    sends: [...OPENING, change('__proto__', 1, entry('hello'))],
    reported: /rejected the entries of/,
  },
  {
    what: 'an author called constructor',
    sends: [...OPENING, change('constructor', 1, entry('hello'))],
    reported: /rejected the entries of/,
  },
  {
    what: 'an author id with U+00FF',
    sends: [...OPENING, change('a\u00ffb', 1, entry('hello'))],
    reported: /rejected the entries of/,
  },
  {
    what: 'an entry that is not JSON',
    sends: [...OPENING, change('mallory', 1, 'no JSON')],
    reported: /rejected the entries of/,
  },
  {
    what: 'an entry of JSON that is not a message',
    sends: [...OPENING, change('mallory', 1, '{"username":1}')],
    reported: /rejected the entries of/,
  },
  {
    what: 'an entry after a gap',
    sends: [...OPENING, change('mallory', 5, entry('fifth'))],
    reported: /entry 1 is missing/,
  },
  {
    what: 'seq 1, then 1,000,000',
    sends: [...OPENING, change('mallory', 1, entry('first')), change('mallory', 1_000_000, entry('far'))],
    reported: /entry 2 is missing/,
    shown: 'mallory (unsigned)> first',
  },
  { what: 'seq 0', sends: [...OPENING, change('mallory', 0, entry('zeroth'))], reported: /disconnected/ },
  { what: 'a topology id __proto__', sends: [framed('__proto__'), framed('__proto__'), handshake('stranger')] },
  { what: 'a topology id constructor', sends: [framed('constructor'), framed('constructor'), handshake('stranger')] },
]

/** The native peer still works: it accepts an honest stranger and shows their message. */
async function assertWorks(t: TestContext, native: Child, address: string, name: string): Promise<void> {
  const honest = new Stranger(t, address)
  honest.send(framed(`0.0.0.0:${name.length}`), handshake(name), change(name, 1, messageEntry(name, 'all is well')))
  await native.waitForLine(`${name} (unsigned)> all is well`)
}

test('survives strangers, and shows and stores nothing that is not an entry', BOUND, async t => {
  const [address = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const native = await openChat(t, { me: 'native', listen: address, data })
  const shown: string[] = []
  for (const [index, { what, sends, reported, shown: line }] of ATTACKS.entries()) {
    await t.test(what, async t => {
      const stranger = new Stranger(t, address)
      stranger.send(...sends)
      if (reported?.source.startsWith('disconnected')) await stranger.closed
      if (line !== undefined) {
        await native.waitForLine(line)
        shown.push(line)
      }
      await assertWorks(t, native, address, `honest${index}`)
      shown.push(`honest${index} (unsigned)> all is well`)
    })
  }
  assert.deepEqual(native.stdout, shown)
  assert.equal(await native.stop(), 0)
  const again = await openChat(t, { me: 'native', listen: address, data })
  await assertWorks(t, again, address, 'after-the-restart')
  assert.deepEqual(again.stdout.toSorted(), [...shown, 'after-the-restart (unsigned)> all is well'].toSorted())
})

const REPORTED = new Map(
  ATTACKS.flatMap(attack => (attack.reported === undefined ? [] : [[attack.reported.source, attack]])),
)

test('says why it disconnects a stranger or rejects their entries', BOUND, async t => {
  for (const { what, sends, reported = /$/ } of REPORTED.values()) {
    await t.test(what, async t => {
      const [address = ''] = await localAddresses(1)
      const native = await openChat(t, { me: 'native', listen: address, data: await temporaryDirectory(t) })
      new Stranger(t, address).send(...sends)
      await native.waitForLine(reported, { stream: 'stderr' })
    })
  }
})

async function startTheirs(t: TestContext): Promise<{ peer: Child; address: string; data: string }> {
  const [address = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const peer = startScuttleup(t, { me: address, data })
  await peer.waitForLine('info> listening as')
  return { peer, address, data }
}

for (const what of ['a frame of 5 GiB', 'an author called constructor']) {
  test(`control: ${what} kills the scuttleup program`, BOUND, async t => {
    const { peer, address } = await startTheirs(t)
    const attack = ATTACKS.find(each => each.what === what)
    new Stranger(t, address).send(...(attack?.sends ?? []))
    assert.deepEqual(await peer.exited, { code: 1, signal: null }, peer.transcript())
  })
}

test(
  'control: after an author id with U+00FF the scuttleup program dies of its first connection at every later start',
  BOUND,
  async t => {
    const { peer, address, data } = await startTheirs(t)
    new Stranger(t, address).send(...OPENING, change('a\u00ffb', 1, entry('hello')))
    await peer.waitForLine('mallory> hello')
    await peer.stop()
    const again = startScuttleup(t, { me: address, data })
    await again.waitForLine('info> listening as')
    new Stranger(t, address).send(...OPENING)
    assert.deepEqual(await again.exited, { code: 1, signal: null }, again.transcript())
  },
)

/** The peak memory of a process. */
async function memoryOf(child: Child): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

const SENT_BYTES = 64 * MIB

/** Announces a frame of 600 MiB and sends the first part of it. */
async function flood(t: TestContext, address: string): Promise<Stranger> {
  const stranger = new Stranger(t, address)
  stranger.send(...OPENING, LENGTH_OF_600_MIB)
  for (let sent = 0; sent < SENT_BYTES; sent += MIB) stranger.send(Buffer.alloc(MIB, 0x61))
  return stranger
}

const onLinux = { ...BOUND, skip: process.platform === 'linux' ? false : 'needs /proc' }

test('disconnects at the length of a frame of 600 MiB, without buffering it', onLinux, async t => {
  const [address = ''] = await localAddresses(1)
  const native = await openChat(t, { me: 'native', listen: address, data: await temporaryDirectory(t) })
  await assertWorks(t, native, address, 'before')
  const before = await memoryOf(native)
  await (await flood(t, address)).closed
  await assertWorks(t, native, address, 'after')
  const grown = (await memoryOf(native)) - before
  assert.ok(grown < 16 * MIB, `${Math.round(grown / MIB)} MiB more`)
})

test('control: the scuttleup program buffers all of it', onLinux, async t => {
  const { peer, address } = await startTheirs(t)
  const before = await memoryOf(peer)
  const stranger = await flood(t, address)
  await stranger.sent
  const listener = new Stranger(t, address)
  listener.send(framed('0.0.0.0:1'))
  await listener.waitFor(framed(address))
  const grown = (await memoryOf(peer)) - before
  assert.ok(grown > SENT_BYTES / 2, `${Math.round(grown / MIB)} MiB more`)
})
