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

/** A stream whose writes fail with a system error code. */
function failing(code: string): Writable {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })),
  })
  return stream.on('error', () => {})
}

test('writes lines in one write, and waits until they are read', async () => {
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

test('writes nothing for no lines', async () => {
  const stream = new Writable({ write: () => assert.fail('nothing to write') })
  await writeLines(stream, [])
})

test('rejects every write after the reader has closed the pipe', async () => {
  const gone = failing('EPIPE')
  const isClosedByReader = (error: unknown): boolean => error instanceof OutputClosed && error.isReaderGone
  await assert.rejects(writeLines(gone, ['one']), isClosedByReader)
  await assert.rejects(writeLines(gone, ['two']), isClosedByReader)
  await assert.rejects(writeLines(gone, []), isClosedByReader)
})

test('ignores a closed reader, but not a full disk, for commands that check something', async () => {
  await writeLinesIfOpen(failing('EPIPE'), ['one'])
  await assert.rejects(writeLinesIfOpen(failing('ENOSPC'), ['one']), OutputClosed)
})

test('control: does not treat a full disk as a closed reader', async () => {
  const full = failing('ENOSPC')
  const isFailure = (error: unknown): boolean => error instanceof OutputClosed && !error.isReaderGone
  await assert.rejects(writeLines(full, ['one']), isFailure)
  await assert.rejects(writeLines(full, ['two']), isFailure)
})

test('drops lines that cannot wait while the reader is slow', () => {
  const blocked = new Writable({ write: () => {} })
  const line = 'x'.repeat(64 * 1024)
  for (let i = 0; i < 1_000; i++) writeUnlessFull(blocked, line)
  assert.ok(blocked.writableLength < 2 * 1024 * 1024, String(blocked.writableLength))
})

test('prints a notice as one sanitised line', t => {
  const written = t.mock.method(process.stderr, 'write', () => true)
  info('one\ntwo')
  warn('\u001b[2J')
  complain(new ChatError('BAD_USAGE', 'what\u202e', { hint: 'do\nthis' }))
  complain(new Error('odd'))
  complain('thrown')
  assert.deepEqual(
    written.mock.calls.map(call => call.arguments[0]),
    [
      'info> one⏎two\n',
      'warn> ␛[2J\n',
      'persisted-chat: what‹U+202E›. do⏎this\n',
      'persisted-chat: something went wrong: odd\n',
      'persisted-chat: something went wrong: thrown\n',
    ],
  )
})
