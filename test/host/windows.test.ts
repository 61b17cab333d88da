import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { frame } from '../../src/base/wire/frames.js'
import { knock, openDoor } from '../../src/host/door.js'
import type { SharedConversation } from '../../src/host/shared-conversation.js'
import { jsonBody } from '../../src/host/window-frames.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { WindowMachine } from '../helper/window-machine.js'

const BOUND = { timeout: 120_000 }

/** What a window shows, and a way to wait for it. */
function watch(
  t: TestContext,
  shared: SharedConversation,
  options: { readonly last?: number; readonly tail?: boolean } = {},
) {
  const shown: string[] = []
  const over = new AbortController()
  t.after(() => over.abort())
  let wake = (): void => {}
  const reading = (async () => {
    for await (const batch of shared.batches({ live: true, signal: over.signal, ...options })) {
      shown.push(...batch.map(({ message }) => message))
      wake()
    }
  })()
  reading.catch(() => {})
  return {
    shown,
    until: async (count: number): Promise<string[]> => {
      while (shown.length < count)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      return shown
    },
  }
}

/** Resolves when `isSo`, which may become so with any change. */
async function until(shared: SharedConversation, isSo: () => boolean): Promise<void> {
  while (!isSo()) await once(shared, 'change')
}

async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const part of parts) found.push(part)
  return found
}

async function history(shared: SharedConversation): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of shared.batches({})) lines.push(...batch.map(({ message }) => message))
  return lines
}

test('both windows show what is said in either, and know the same', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  const first = await machine.window(t)
  await first.say('before')
  const second = await machine.window(t)
  assert.deepEqual([first.isHost, second.isHost], [true, false])
  assert.deepEqual([second.me, second.id, second.room, second.heads], [first.me, first.id, first.room, first.heads])
  const [inFirst, inSecond] = [watch(t, first), watch(t, second)]
  await inSecond.until(1)
  await second.say({ kind: 'action', text: 'from the second' })
  await first.say('from the first')
  assert.deepEqual(await inFirst.until(3), ['before', 'from the second', 'from the first'])
  assert.deepEqual(await inSecond.until(3), ['before', 'from the second', 'from the first'])
  await until(second, () => second.heads[0]?.seq === 3)
  assert.deepEqual([second.kept, second.unsavedCount], [{ on: 0, of: 0, left: 0 }, 0])
  await until(first, () => first.others === 1)
  await until(second, () => second.others === 1)
  const verdicts = await all(second.verify())
  assert.deepEqual(
    verdicts.map(({ author, last, fault }) => [author, last, fault]),
    [[first.id, 3, undefined]],
  )
  assert.ok((await all(second.archive())).length > 0)
})

test('what a window is refused it is told as the first would be', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  const first = await machine.window(t)
  const second = await machine.window(t)
  await assert.rejects(second.say('x'.repeat(300_000)), { code: 'BAD_MESSAGE' })
  assert.throws(() => second.connect('alice'), { code: 'BAD_USAGE' })
  assert.throws(() => second.connect('no such name!'), { code: 'BAD_NAME' })
  assert.equal(second.disconnect('bob'), false)
  second.connect('bob:4000')
  await until(second, () => second.connectionSummary.dialing.length > 0)
  assert.equal(second.disconnect('bob:4000'), true)
  await until(first, () => first.connectionSummary.dialing.length === 0)
})

test('the first window leaves, and the other goes on where it was', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  const first = await machine.window(t)
  const second = await machine.window(t)
  const shown = watch(t, second)
  await first.say('one')
  await shown.until(1)
  await first.close()
  await second.say('two')
  assert.equal(second.isHost, true)
  assert.deepEqual(await shown.until(2), ['one', 'two'])
  const third = await machine.window(t)
  assert.deepEqual(await history(third), ['one', 'two'])
})

test('a line that was stored, though nobody could confirm it any more, is not said again', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  await machine.window(t)
  const second = await machine.window(t)
  const { peer, windows } = machine.host ?? assert.fail()
  const say = peer.say.bind(peer)
  let stored: Promise<void> | undefined
  peer.say = draft => {
    stored = say(draft)
    windows.close()
    return stored
  }
  const said = second.say('hello')
  while (stored === undefined) await new Promise(setImmediate)
  await stored
  assert.equal(second.unsavedCount, 1)
  await machine.crash()
  await said
  assert.deepEqual([second.isHost, second.unsavedCount, await history(second)], [true, 0, ['hello']])
})

test(
  'lines that the process that died had not stored are said by the one that goes on, in their order, each once',
  BOUND,
  async t => {
    const machine = await WindowMachine.open(t)
    await machine.window(t)
    const second = await machine.window(t)
    const { peer } = machine.host ?? assert.fail()
    await second.say('same')
    let asked = 0
    peer.say = () => {
      asked++
      return new Promise(() => {})
    }
    const said = ['same', 'same', 'other'].map(line => second.say(line))
    while (asked < 3) await new Promise(setImmediate)
    await machine.crash()
    said.push(second.say('while nobody was there'))
    await Promise.all(said)
    assert.deepEqual(await history(second), ['same', 'same', 'same', 'other', 'while nobody was there'])
  },
)

test(
  'of several windows one goes on and the others are at that one, with nothing shown twice or left out',
  BOUND,
  async t => {
    const machine = await WindowMachine.open(t)
    const first = await machine.window(t)
    for (let line = 0; line < 20; line++) await first.say(`early ${line}`)
    const others = [await machine.window(t), await machine.window(t), await machine.window(t)]
    const shown = others.map((shared, index) => watch(t, shared, [{}, { last: 5 }, { tail: true }][index] ?? {}))
    await shown[0]?.until(20)
    await shown[1]?.until(5)
    const expected = [20, 5, 0]
    let later = 0
    for (let round = 0; round < 3; round++) {
      later += others.length
      await machine.crash()
      await Promise.all(others.map((shared, index) => shared.say(`round ${round} of ${index}`)))
      assert.equal(others.filter(({ isHost }) => isHost).length, 1)
      for (const [index, watched] of shown.entries()) {
        const early = expected[index] ?? 0
        const lines = await watched.until(early + later)
        assert.equal(new Set(lines).size, lines.length)
        assert.equal(lines.filter(line => line.startsWith('early')).length, early)
      }
      // The one that went on is the next to die.
      const host = others.findIndex(({ isHost }) => isHost)
      others.splice(host, 1)
      shown.splice(host, 1)
      expected.splice(host, 1)
    }
  },
)

test('a window comes into a room of a thousand people who are all away, and say why', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  machine.onHost = ({ peer }) => {
    const person = { state: 'indirect', away: '⏎'.repeat(85), isTyping: false, lastHeardMs: 1_800_000_000_000, hops: 3 }
    const people = Array.from({ length: 1_000 }, (_, index) => {
      const author = index.toString(16).padStart(64, '0')
      return { ...person, author, name: `${index}`.padStart(63, 'x') }
    })
    Object.defineProperty(peer, 'presence', { get: () => people })
  }
  const first = await machine.window(t)
  const second = await machine.window(t)
  assert.equal(second.isHost, false)
  assert.deepEqual(second.presence, first.presence)
  await second.say('hello all')
})

test('two thousand lines at once are all stored, in their order', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  await machine.window(t)
  const second = await machine.window(t)
  const lines = Array.from({ length: 2_000 }, (_, line) => `line ${line}`)
  await Promise.all(lines.map(line => second.say(line)))
  assert.deepEqual(await history(second), lines)
})

test(
  'a window that asks and does not read is sent no more than a little ahead, and holds nobody up',
  BOUND,
  async t => {
    const machine = await WindowMachine.open(t)
    const first = await machine.window(t)
    await Promise.all(Array.from({ length: 600 }, (_, line) => first.say(`${line} ${'x'.repeat(4_000)}`)))
    const socket = (await knock(machine.door, systemClock)) ?? assert.fail()
    t.after(() => void socket.destroy())
    for (let id = 1; id <= 40; id++) socket.write(frame(jsonBody({ do: 'read', id, options: { live: true } })))
    const second = await machine.window(t)
    assert.equal((await history(second)).length, 600)
    let bytes = 0
    socket.on('data', chunk => {
      bytes += chunk.length
    })
    await first.say('still here')
    assert.equal((await history(second)).length, 601)
    assert.ok(bytes < 40 * 8 * 160 * 1024, `${bytes} bytes were sent ahead`)
  },
)

test('what is no question ends that window, and nothing else', BOUND, async t => {
  const machine = await WindowMachine.open(t)
  const first = await machine.window(t)
  const bad: Uint8Array[] = [
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff),
    frame(Uint8Array.of(9)),
    frame(Buffer.from('\u0001{')),
    frame(jsonBody([])),
    frame(jsonBody({ do: 'nothing' })),
    frame(jsonBody({ do: 'say', id: 1 })),
    frame(jsonBody({ do: 'say', id: -1, message: 'x' })),
    frame(jsonBody({ do: 'say', id: 1, draft: { kind: 'text', text: 5 } })),
    frame(jsonBody({ do: 'read', id: 1, options: { since: [['x', -1]] } })),
    frame(jsonBody({ do: 'link', peer: 5 })),
  ]
  for (const bytes of bad) {
    const socket = (await knock(machine.door, systemClock)) ?? assert.fail()
    socket.resume().write(bytes)
    await new Promise(resolve => socket.once('close', resolve))
  }
  await first.say('still here')
  assert.deepEqual(await history(first), ['still here'])
})

test('the door is for its owner alone, and one that was left by a crash is replaced', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const door = path.join(directory, 'lobby.window')
  assert.equal(await knock(door, systemClock), undefined)
  const close = await openDoor(door, socket => void socket.end())
  assert.equal((await stat(door)).mode & 0o777, 0o600)
  ;(await knock(door, systemClock))?.destroy()
  await chmod(door, 0o666)
  assert.equal(await knock(door, systemClock), undefined, 'one that others could have opened is not entered')
  const again = await openDoor(door, socket => void socket.end())
  assert.equal((await stat(door)).mode & 0o777, 0o600)
  await close()
  await again()
  await writeFile(door, 'a file of the user')
  await assert.rejects(openDoor(door, () => {}))
  assert.equal(await knock(door, systemClock), undefined)
})

test('where the path is too long for a socket, the door is in a directory of the user alone', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = directory
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  const door = path.join('/nowhere', 'x'.repeat(120), 'lobby.window')
  const close = await openDoor(door, socket => void socket.end())
  const socket = await knock(door, systemClock)
  assert.ok(socket)
  socket.destroy()
  await close()
  const shared = path.join(directory, `persisted-chat-${process.getuid?.()}`)
  assert.equal((await stat(shared)).mode & 0o777, 0o700)
  await chmod(shared, 0o755)
  await assert.rejects(
    openDoor(door, () => {}),
    /is not yours alone/,
  )
})
