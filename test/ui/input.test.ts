import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { entryText } from '../../src/log/format/entry.js'
import { HybridClock } from '../../src/log/format/hybrid-clock.js'
import { ENTRY_BYTES_MAX } from '../../src/log/limits.js'
import type { LineActions } from '../../src/ui/lines/input.js'
import { sendLines } from '../../src/ui/lines/input.js'
import { VirtualClock } from '../helper/virtual-clock.js'

async function* input(...parts: readonly string[]): AsyncGenerator<string> {
  yield* parts
}

/** A peer that buffers lines and stores them on request. */
function listener() {
  const said: string[] = []
  const waiting: (() => void)[] = []
  let isSlow = false
  const peer = {
    say: (message: string): Promise<void> => {
      said.push(message)
      return isSlow ? new Promise(resolve => waiting.push(resolve)) : Promise.resolve()
    },
  } as unknown as LineActions
  return {
    said,
    waiting,
    peer,
    slow: () => {
      isSlow = true
    },
  }
}

async function saidOf(text: string, isJson = false): Promise<string[]> {
  const { peer, said } = listener()
  await sendLines(peer, input(text), isJson)
  return said
}

test('sends each line unchanged and skips blank ones', async () => {
  assert.deepEqual(await saidOf('one\n\n  \t \n two \n'), ['one', ' two '])
})

test('sends the message of a JSON line, and any other line as it is', async () => {
  const lines = [
    '{"message":"a","more":1}',
    '"b"',
    'plain',
    '{"message":1}',
    '[1]',
    'null',
    '17',
    '{"mess',
    '{"message":" "}',
  ]
  assert.deepEqual(await saidOf(lines.join('\n'), true), [
    'a',
    'b',
    'plain',
    '{"message":1}',
    '[1]',
    'null',
    '17',
    '{"mess',
  ])
  assert.deepEqual(await saidOf('{"message":"a"}'), ['{"message":"a"}'], 'not so without --json')
})

test('splits any long message into valid entries', async () => {
  const at = new HybridClock(new VirtualClock()).next(undefined)
  for (const character of ['a', 'é', '😀', '"', '\u0000', '\ud800']) {
    for (const isJson of [false, true]) {
      const text = character.repeat(20_000)
      const said = await saidOf(isJson ? JSON.stringify(text) : text, isJson)
      assert.equal(said.join(''), text)
      for (const message of said) {
        const entry = entryText(at, 0, { username: 'x'.repeat(32), message })
        assert.ok(Buffer.byteLength(entry) <= ENTRY_BYTES_MAX)
      }
    }
  }
})

test('reads no faster than the disk stores', async () => {
  const { peer, said, waiting, slow } = listener()
  slow()
  const saying = sendLines(peer, input(...Array.from({ length: 4_000 }, (_, i) => `line ${i}\n`)), false)
  while (said.length < 4_000) {
    await setImmediate()
    assert.ok(waiting.length <= 1_024)
    for (const store of waiting.splice(0)) store()
  }
  for (const store of waiting.splice(0)) store()
  await saying
})

test('reports a rejected line and sends the next one', async t => {
  const written = t.mock.method(process.stderr, 'write', () => true)
  const said: string[] = []
  const peer = {
    say: async (message: string) => {
      if (message === 'two') throw new Error('no')
      said.push(message)
    },
  } as unknown as LineActions
  await sendLines(peer, input('one\ntwo\nthree\n'), false)
  assert.deepEqual(said, ['one', 'three'])
  assert.deepEqual(
    written.mock.calls.map(call => call.arguments[0]),
    ['warn> no\n'],
  )
})
