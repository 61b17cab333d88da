import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { ChatError, ERROR_CODES, reasonOf, systemCode } from '../../src/base/errors.js'

const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })

test('says in one line what happened and what to do next', () => {
  assert.equal(new ChatError('LOG_LOCKED', 'it is open', { hint: 'Stop it.' }).toLine(), 'it is open. Stop it.')
  assert.equal(new ChatError('LOG_CLOSED', 'the log is closed').toLine(), 'the log is closed')
})

test('keeps code and cause', () => {
  const error = new ChatError('LOG_WRITE_FAILED', 'not stored', { cause: full })
  assert.ok(error instanceof Error)
  assert.equal(error.code, 'LOG_WRITE_FAILED')
  assert.equal(error.cause, full)
  assert.ok(!('cause' in new ChatError('LOG_CLOSED', 'closed')))
})

test('finds the system code of the innermost cause that has one', () => {
  const error = new ChatError('LOG_WRITE_FAILED', 'not stored', { cause: new Error('batch', { cause: full }) })
  assert.equal(systemCode(error), 'ENOSPC')
  assert.equal(systemCode(new Error('no code')), undefined)
  assert.equal(systemCode(Object.assign(new Error('odd'), { code: 7 })), undefined)
  assert.equal(systemCode('a string'), undefined)
})

test('does not loop on an error that is its own cause', () => {
  const error = Object.assign(new Error('round'), { code: 'ROUND' })
  error.cause = error
  assert.equal(systemCode(error), 'ROUND')
})

test('returns a reason for any thrown value', () => {
  assert.equal(reasonOf(full), 'ENOSPC: no space left on device')
  assert.equal(reasonOf('gone'), 'gone')
  assert.equal(reasonOf(undefined), 'undefined')
})

test('names options as the users of each interface write them', () => {
  const error = new ChatError('LOG_LOCKED', 'it is open', { hint: 'Choose another with {data}, not {this}.' })
  assert.equal(error.hint, 'Choose another with the option data, not {this}.')
  assert.equal(error.toLine(), 'it is open. Choose another with --data, not {this}.')
  assert.equal(
    error.toLine(name => `"${name}"`),
    'it is open. Choose another with "data", not {this}.',
  )
  const copy = new ChatError('LOG_LOCKED', 'it is open', { hint: error.hintTemplate ?? '' })
  assert.equal(copy.toLine(), error.toLine())
})

test('lists every code with its meaning and remedy in docs/errors.md', async () => {
  const rows = Object.entries(ERROR_CODES).map(([code, { meaning, remedy }]) => {
    const words = remedy.replace(/\{(\w+)\}/g, '`$1` (`--$1`)')
    return `| \`${code}\` | ${meaning} | ${words} |`
  })
  const table = ['| code | meaning | what to do |', '|---|---|---|', ...rows].join('\n')
  const page = await readFile('docs/errors.md', 'utf8')
  assert.ok(page.includes(`\n${table}\n`), `docs/errors.md has this table:\n\n${table}`)
})
