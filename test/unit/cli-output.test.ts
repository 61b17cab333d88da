import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { complain, info, warn, writeLines } from '../../src/cli/output.js'

test('lines are written at once, and only as fast as they are read', async () => {
  const written: string[] = []
  let read = (): void => {}
  const slow = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk))
      read = done
    },
  })
  let isDone = false
  const writing = writeLines(slow, ['one', 'two']).then(isOpen => {
    isDone = true
    return isOpen
  })
  await Promise.resolve()
  assert.deepEqual([written, isDone], [['one\ntwo\n'], false])
  read()
  assert.equal(await writing, true)
})

test('no lines are no write', async () => {
  const stream = new Writable({ write: () => assert.fail('nothing to write') })
  assert.equal(await writeLines(stream, []), true)
})

test('a reader who went away is noticed at the first write', async () => {
  const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  gone.on('error', () => {})
  assert.equal(await writeLines(gone, ['one']), false)
  assert.equal(await writeLines(gone, ['two']), false)
  assert.equal(await writeLines(gone, []), false)
})

test('what a person is told is one line, and only text', t => {
  const told = t.mock.method(process.stderr, 'write', () => true)
  info('one\ntwo')
  warn('\u001b[2J')
  complain(new ChatError('BAD_USAGE', 'what\u202e', { hint: 'do\nthis' }))
  complain(new Error('odd'))
  complain('thrown')
  assert.deepEqual(
    told.mock.calls.map(call => call.arguments[0]),
    [
      'info> one⏎two\n',
      'warn> ␛[2J\n',
      'persisted-chat: what‹U+202E›. do⏎this\n',
      'persisted-chat: something went wrong: odd\n',
      'persisted-chat: something went wrong: thrown\n',
    ],
  )
})
