import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { concat, utf8 } from '../../src/base/wire/bytes.js'
import { CHAT_PROGRAM, connectedTo, openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { encoded, jpegSegment, painted } from '../helper/pictures.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

// Pictures between processes: their metadata, and previews of them in a terminal.

const BOUND = { timeout: 300_000 }

const clean = await encoded('jpeg', painted(400, 240))
const withComment = concat([clean.subarray(0, 20), jpegSegment(0xfe, utf8('secret place')), clean.subarray(20)])

interface World {
  readonly data: string
  readonly photo: string
  readonly alice: Child
  readonly a: string
  readonly b: string
}

/** Alice, who prints JSON and dials Bob, and a photo. */
async function world(t: TestContext): Promise<World> {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const photo = path.join(data, 'photo.jpg')
  await writeFile(photo, withComment)
  const alice = await openChat(t, { me: 'alice', listen: a, peers: [b], data, options: ['--json'] })
  return { data, photo, alice, a, b }
}

const send = (alice: Child, file: string, more: object = {}): void =>
  alice.type(JSON.stringify({ kind: 'file', path: file, ...more }))

test('sends a picture without its metadata, and as it is when asked to', BOUND, async t => {
  const { data, photo, alice, a, b } = await world(t)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--json'] })
  await connectedTo(bob, a)
  const saved = path.join(data, 'saved')
  await mkdir(saved)
  const received = async (seq: number): Promise<Buffer> => {
    await bob.waitForLine(`"seq":${seq},`)
    const line = bob.stdout.map(each => JSON.parse(each)).find(each => each.seq === seq)
    bob.type(JSON.stringify({ kind: 'get', to: { author: line.author, seq }, path: saved }))
    const event = JSON.parse(await bob.waitForLine(/"event":"saved".*/, { from: bob.stdout.length }))
    return readFile(event.path)
  }
  send(alice, photo)
  assert.deepEqual(await received(1), Buffer.from(clean))
  send(alice, photo, { raw: true })
  assert.deepEqual(await received(2), Buffer.from(withComment))

  const malformed = path.join(data, 'cut.jpg')
  await writeFile(malformed, withComment.subarray(0, -100))
  send(alice, malformed)
  await alice.waitForLine('the metadata of cut.jpg cannot be removed: it is malformed', { stream: 'stderr' })
  const misnamed = path.join(data, 'text.png')
  await writeFile(misnamed, 'text')
  send(alice, misnamed)
  await alice.waitForLine('the metadata of text.png cannot be removed: it is not a JPEG, PNG', { stream: 'stderr' })
})

/** The rows of half blocks on a screen. */
const blockRows = (rows: readonly string[]): string[] => rows.filter(row => /^ *▀+$/.test(row))

const openScreen = (t: TestContext, { data, b }: World, peers: readonly string[], env: Record<string, string> = {}) =>
  TerminalWindow.open(
    t,
    [process.execPath, CHAT_PROGRAM, 'bob', ...peers, '--listen', b, '--no-discovery', '--data', data],
    { rows: 40, env },
  )

test('shows pictures of people that the user addresses as they arrive', BOUND, async t => {
  const parts = await world(t)
  const bob = await openScreen(t, parts, [parts.a])
  await bob.waitFor(/#lobby · 1 connected/)
  send(parts.alice, parts.photo)
  const rows = await bob.waitFor(/^ +▀{40}$/)
  assert.ok(
    rows.some(row => /· a?\w*1 photo\.jpg$/.test(row)),
    rows.join('\n'),
  )
  assert.equal(blockRows(rows).length, 12, rows.join('\n'))
})

test('fetches and shows pictures of strangers only when asked', BOUND, async t => {
  const parts = await world(t)
  const bob = await openScreen(t, parts, [])
  await bob.waitFor(/#lobby · 1 connected/)
  send(parts.alice, parts.photo)
  await bob.waitFor('sends photo.jpg')
  parts.alice.type('afterwards')
  const before = await bob.waitFor('│ afterwards')
  assert.deepEqual(blockRows(before), [])
  const [, label = ''] = /^\d\d:\d\d (\w+) .* sends photo\.jpg/m.exec(before.join('\n')) ?? []
  await bob.enter(`/preview ${label}`)
  assert.equal(blockRows(await bob.waitFor(/^ +▀{40}$/)).length, 12)
})

test('shows no pictures without colours', BOUND, async t => {
  const parts = await world(t)
  const bob = await openScreen(t, parts, [parts.a], { NO_COLOR: '1' })
  await bob.waitFor(/#lobby · 1 connected/)
  send(parts.alice, parts.photo)
  await bob.waitFor('sends photo.jpg')
  await bob.enter('/preview -1')
  await bob.waitFor('! no pictures are shown here: /get saves them')
})
