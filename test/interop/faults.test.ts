import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test, { type TestContext } from 'node:test'
import { openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { startOriginal } from '../helper/original-peer.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { change, framed, handshake, REQUEST, Stranger, said } from './original/stranger.js'

// What strangers send that the original program does not survive, sent to ours. Controls that need no more than the original
// itself stand in original.test.ts; those for the rest stand here.

const BOUND = { timeout: 240_000 }
const MIB = 1024 * 1024

/** Lower than any address here, so that it says its address once. */
const STRANGER = '0.0.0.0:0'
const OPENING = [framed(STRANGER), handshake('stranger')]

const FIVE_GIB = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x14])
const LENGTH_OF_600_MIB = Buffer.from([0x80, 0x80, 0x80, 0xac, 0x02])

interface Attack {
  readonly what: string
  readonly sends: readonly Uint8Array[]
  /** What ours says of it, on stderr. */
  readonly told?: RegExp
  /** What ours shows of it: what is allowed among it. */
  readonly shown?: string
}

const entry = (message: string): string => said('mallory', message)

const ATTACKS: readonly Attack[] = [
  { what: 'an HTTP request', sends: [Buffer.from(REQUEST)] },
  { what: 'an address of 5 GiB', sends: [FIVE_GIB, Buffer.alloc(1_000)] },
  { what: 'an empty address', sends: [framed(''), handshake('stranger')] },
  {
    what: 'a frame that is none',
    sends: [...OPENING, framed(Buffer.alloc(8, 0xff))],
    told: /disconnected: it sent a malformed entry/,
  },
  { what: 'a handshake that is none', sends: [framed(STRANGER), framed(Buffer.alloc(8, 0xff))], told: /disconnected/ },
  {
    what: 'a frame of 5 GiB',
    sends: [...OPENING, FIVE_GIB, Buffer.alloc(1_000)],
    told: /disconnected: it sent a frame of over/,
  },
  {
    what: 'an author called __proto__',
    sends: [...OPENING, change('__proto__', 1, entry('hello'))],
    told: /rejected the entries of/,
  },
  {
    what: 'an author called constructor',
    sends: [...OPENING, change('constructor', 1, entry('hello'))],
    told: /rejected the entries of/,
  },
  {
    what: 'an author whose id holds U+00FF',
    sends: [...OPENING, change('a\u00ffb', 1, entry('hello'))],
    told: /rejected the entries of/,
  },
  {
    what: 'an entry that is no JSON',
    sends: [...OPENING, change('mallory', 1, 'no JSON')],
    told: /rejected the entries of/,
  },
  {
    what: 'an entry of JSON that is no line',
    sends: [...OPENING, change('mallory', 1, '{"username":1}')],
    told: /rejected the entries of/,
  },
  {
    what: 'an entry behind a gap',
    sends: [...OPENING, change('mallory', 5, entry('fifth'))],
    told: /entry 1 is missing/,
  },
  {
    what: 'seq 1, then 1,000,000',
    sends: [...OPENING, change('mallory', 1, entry('first')), change('mallory', 1_000_000, entry('far'))],
    told: /entry 2 is missing/,
    shown: 'mallory (unsigned)> first',
  },
  { what: 'seq 0', sends: [...OPENING, change('mallory', 0, entry('zeroth'))], told: /disconnected/ },
  { what: 'a topology id __proto__', sends: [framed('__proto__'), framed('__proto__'), handshake('stranger')] },
  { what: 'a topology id constructor', sends: [framed('constructor'), framed('constructor'), handshake('stranger')] },
]

/** Ours goes on: a stranger who behaves is let in, and what he says is shown. */
async function isWell(t: TestContext, ours: Child, address: string, name: string): Promise<void> {
  const honest = new Stranger(t, address)
  honest.send(framed(`0.0.0.0:${name.length}`), handshake(name), change(name, 1, said(name, 'all is well')))
  await ours.waitForLine(`${name} (unsigned)> all is well`)
}

test('survives strangers, and shows and stores nothing that is not an entry', BOUND, async t => {
  const [address = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const ours = await openChat(t, { me: 'ours', listen: address, data })
  const shown: string[] = []
  for (const [index, { what, sends, told, shown: line }] of ATTACKS.entries()) {
    await t.test(what, async t => {
      const from = ours.stderr.length
      const stranger = new Stranger(t, address)
      stranger.send(...sends)
      if (told !== undefined) await ours.waitForLine(told, { stream: 'stderr', from })
      if (line !== undefined) {
        await ours.waitForLine(line)
        shown.push(line)
      }
      await isWell(t, ours, address, `honest${index}`)
      shown.push(`honest${index} (unsigned)> all is well`)
    })
  }
  assert.deepEqual(ours.stdout, shown)
  assert.equal(await ours.stop(), 0)
  const again = await openChat(t, { me: 'ours', listen: address, data })
  await isWell(t, again, address, 'after-the-restart')
  assert.deepEqual(again.stdout.toSorted(), [...shown, 'after-the-restart (unsigned)> all is well'].toSorted())
})

async function startTheirs(t: TestContext): Promise<{ original: Child; address: string; data: string }> {
  const [address = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const original = startOriginal(t, { me: address, data })
  await original.waitForLine('info> listening as')
  return { original, address, data }
}

for (const what of ['a frame of 5 GiB', 'an author called constructor']) {
  test(`control: ${what} kills the scuttleup program`, BOUND, async t => {
    const { original, address } = await startTheirs(t)
    const attack = ATTACKS.find(each => each.what === what)
    new Stranger(t, address).send(...(attack?.sends ?? []))
    assert.deepEqual(await original.exited, { code: 1, signal: null }, original.transcript())
  })
}

test(
  'control: after an author id with U+00FF the scuttleup program dies of its first connection at every later start',
  BOUND,
  async t => {
    const { original, address, data } = await startTheirs(t)
    new Stranger(t, address).send(...OPENING, change('a\u00ffb', 1, entry('hello')))
    await original.waitForLine('mallory> hello')
    await original.stop()
    const again = startOriginal(t, { me: address, data })
    await again.waitForLine('info> listening as')
    new Stranger(t, address).send(...OPENING)
    assert.deepEqual(await again.exited, { code: 1, signal: null }, again.transcript())
  },
)

/** The memory of a process that is in use, and was at most. */
async function memoryOf(child: Child): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

const POURED = 64 * MIB

/** Says that a frame of 600 MiB follows, and sends a part of it, for as long as it is let. */
async function pour(t: TestContext, address: string): Promise<Stranger> {
  const stranger = new Stranger(t, address)
  stranger.send(...OPENING, LENGTH_OF_600_MIB)
  for (let sent = 0; sent < POURED; sent += MIB) stranger.send(Buffer.alloc(MIB, 0x61))
  return stranger
}

const onLinux = { ...BOUND, skip: process.platform === 'linux' ? false : 'needs /proc' }

test('disconnects at the length of a frame of 600 MiB, without buffering it', onLinux, async t => {
  const [address = ''] = await localAddresses(1)
  const ours = await openChat(t, { me: 'ours', listen: address, data: await temporaryDirectory(t) })
  await isWell(t, ours, address, 'before')
  const before = await memoryOf(ours)
  await (await pour(t, address)).closed
  await isWell(t, ours, address, 'after')
  const grown = (await memoryOf(ours)) - before
  assert.ok(grown < 16 * MIB, `${Math.round(grown / MIB)} MiB more`)
})

test('control: the scuttleup program buffers all of it', onLinux, async t => {
  const { original, address } = await startTheirs(t)
  const before = await memoryOf(original)
  const stranger = await pour(t, address)
  await stranger.sent
  const listener = new Stranger(t, address)
  listener.send(framed('0.0.0.0:1'))
  await listener.hear(framed(address))
  const grown = (await memoryOf(original)) - before
  assert.ok(grown > POURED / 2, `${Math.round(grown / MIB)} MiB more`)
})
