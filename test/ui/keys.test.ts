import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { type Key, Keys } from '../../src/ui/terminal/keys.js'

/** Collects keys by their names and pastes in quotes. */
function listening(): { keys: Keys; heard: string[] } {
  const keys = new Keys()
  const heard: string[] = []
  keys.on('key', ({ name, text, ctrl }) => void heard.push(`${ctrl ? 'ctrl-' : ''}${text === '' ? name : text}`))
  keys.on('paste', text => void heard.push(JSON.stringify(text)))
  return { keys, heard }
}

/** Waits until the written keys are parsed. */
const settled = (): Promise<void> => new Promise(resolve => void setImmediate(resolve))

/** Parses chunks of bytes: keys by their names, pastes in quotes. */
async function decoded(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const keys = new Keys()
  const heard: string[] = []
  keys.on('key', ({ name, text, ctrl, alt }: Key) =>
    heard.push(`${ctrl ? 'ctrl-' : ''}${alt ? 'alt-' : ''}${text === '' ? name : text}`),
  )
  keys.on('paste', text => heard.push(JSON.stringify(text)))
  const ended = new Promise<void>(resolve => {
    keys.on('key', ({ name, ctrl }) => {
      if (ctrl && name === 'x') resolve()
    })
  })
  for (const chunk of chunks) keys.write(Buffer.from(chunk))
  keys.write(Buffer.from('\u0018'))
  await ended
  return heard.slice(0, -1)
}

test('distinguishes letters, control keys, arrows and Alt', async () => {
  assert.deepEqual(await decoded('aé你', '\u0003', '\u001b[A', '\u001b[1;5C', '\u001bb', '\r', '\n', '\u007f', '\t'), [
    ...['a', 'é', '你', 'ctrl-c', 'up', 'ctrl-right', 'alt-b', 'return', 'enter', 'backspace', 'tab'],
  ])
})

test('emits Escape when nothing follows it', async () => {
  const keys = new Keys()
  const pressed = once(keys, 'key')
  keys.write(Buffer.from('\u001b'))
  const [{ name }] = (await pressed) as [Key]
  assert.equal(name, 'escape')
})

test('joins characters that arrive in parts', async () => {
  const bytes = Buffer.from('😀')
  assert.deepEqual(await decoded(bytes.subarray(0, 2), bytes.subarray(2)), ['😀'])
})

test('emits a paste as one event, however it is split', async () => {
  const whole = '\u001b[200~one\rtwo\u001b[Ac\u001b[201~x'
  for (let cut = 0; cut <= whole.length; cut++) {
    // After the escape character alone it could also be the key.
    if (whole[cut - 1] === '\u001b') continue
    assert.deepEqual(await decoded(whole.slice(0, cut), whole.slice(cut)), ['"one\\rtwo\\u001b[Ac"', 'x'], String(cut))
  }
})

test('bounds a paste that never ends', async () => {
  const heard = await decoded('\u001b[200~', ...Array.from({ length: 40 }, () => 'x'.repeat(64 * 1024)), '\u001b[201~')
  assert.equal(heard[0]?.length, 1024 * 1024 + 2)
})

test('ends a paste without an end mark after a second of silence', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { keys, heard } = listening()
  keys.write(Buffer.from('\u001b[200~half'))
  t.mock.timers.tick(900)
  keys.write(Buffer.from(' a line\u001b[20'))
  t.mock.timers.tick(900)
  assert.deepEqual(heard, [])
  t.mock.timers.tick(100)
  assert.deepEqual(heard, [JSON.stringify('half a line\u001b[20')])
  keys.write(Buffer.from('x\u0003'))
  await settled()
  assert.deepEqual(heard.slice(1), ['x', 'ctrl-c'])
})

test('handles Ctrl-C, Ctrl-D and Ctrl-Z in a paste without an end mark', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const [byte, key] of [
    ['\u0003', 'ctrl-c'],
    ['\u001a', 'ctrl-z'],
    ['\u0004', 'ctrl-d'],
  ]) {
    const { keys, heard } = listening()
    keys.write(Buffer.from('\u001b[200~half'))
    keys.write(Buffer.from(`${byte}`))
    t.mock.timers.tick(100)
    await settled()
    assert.deepEqual(heard, ['"half"', key])
  }
})

test('handles Ctrl-C in a full paste', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { keys, heard } = listening()
  keys.write(Buffer.from(`\u001b[200~${'x'.repeat(1024 * 1024)}`))
  keys.write(Buffer.from('yyy\u0003'))
  t.mock.timers.tick(100)
  await settled()
  assert.deepEqual([heard[0]?.length, heard[1]], [1024 * 1024 + 2, 'ctrl-c'])
})

test('treats a pasted Ctrl-C as text if the paste continues at once', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { keys, heard } = listening()
  keys.write(Buffer.from('\u001b[200~a\u0003'))
  t.mock.timers.tick(50)
  keys.write(Buffer.from('b\u001b[201~'))
  t.mock.timers.tick(5_000)
  await settled()
  assert.deepEqual(heard, [JSON.stringify('a\u0003b')])
})

test('treats the rest of a paused paste as pasted', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { keys, heard } = listening()
  keys.write(Buffer.from('\u001b[200~one\r'))
  t.mock.timers.tick(1_000)
  keys.write(Buffer.from('two\rthree\u001b[201~\r'))
  await settled()
  assert.deepEqual(heard, ['"one\\r"', '"two\\rthree"', 'return'])
})

test('reads a line feed typed before raw mode as Enter, and later ones as line feeds', async () => {
  assert.deepEqual(await decoded('a\n', '/\r', 'b\n'), ['a', 'return', '/', 'return', 'b', 'enter'])
})
