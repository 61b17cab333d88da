import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import {
  complain,
  info,
  OutputClosed,
  warn,
  writeLines,
  writeLinesIfOpen,
  writeUnlessFull,
} from '../../src/ui/lines/output.js'

/** A stream whose writes fail with a code of the system's. */
function failing(code: string): Writable {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  })
  return stream.on('error', () => {})
}

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
  const writing = writeLines(slow, ['one', 'two']).then(() => {
    isDone = true
  })
  await Promise.resolve()
  assert.deepEqual([written, isDone], [['one\ntwo\n'], false])
  read()
  await writing
  assert.equal(isDone, true)
})

test('no lines are no write', async () => {
  const stream = new Writable({ write: () => assert.fail('nothing to write') })
  await writeLines(stream, [])
})

test('rejects as closed by the reader when the pipe is closed, and ever after', async () => {
  const gone = failing('EPIPE')
  const isClosedByReader = (error: unknown): boolean => error instanceof OutputClosed && error.isReaderGone
  await assert.rejects(writeLines(gone, ['one']), isClosedByReader)
  await assert.rejects(writeLines(gone, ['two']), isClosedByReader)
  await assert.rejects(writeLines(gone, []), isClosedByReader)
})

test('a command with a verdict keeps it when the reader is gone, not when the disk is full', async () => {
  await writeLinesIfOpen(failing('EPIPE'), ['one'])
  await assert.rejects(writeLinesIfOpen(failing('ENOSPC'), ['one']), OutputClosed)
})

test('control: a full disk is not a reader who went away', async () => {
  const full = failing('ENOSPC')
  const isFailure = (error: unknown): boolean => error instanceof OutputClosed && !error.isReaderGone
  await assert.rejects(writeLines(full, ['one']), isFailure)
  await assert.rejects(writeLines(full, ['two']), isFailure)
})

test('a line that nobody can wait for is dropped while the reader is slow', () => {
  const blocked = new Writable({ write: () => {} })
  const line = 'x'.repeat(64 * 1024)
  for (let i = 0; i < 1_000; i++) writeUnlessFull(blocked, line)
  assert.ok(blocked.writableLength < 2 * 1024 * 1024, String(blocked.writableLength))
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
