import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { NODE_EVENTS } from '../../src/node/events.js'

const PAGE = 'docs/events.md'
const HEAD = '| kind | is a | fields | meaning |\n|---|---|---|---|\n'

/** Where kinds of events are declared, each below a comment that says what it means. */
const DECLARATIONS = ['base/crypto/key-file', 'log/events', 'net/events', 'sync/events', 'node/events']
const DECLARATION = /\/\*\*((?:(?!\*\/).)*)\*\/\s*'?([a-z-]+)'?: (?:problem|change)\(/gs

const meanings = new Map(
  DECLARATIONS.flatMap(file => [...readFileSync(`src/${file}.ts`, 'utf8').matchAll(DECLARATION)]).map(
    ([, comment = '', kind = '']) => [kind, meaningOf(comment)],
  ),
)

/** A comment as written in the table: one line, without a capital letter and the last full stop. */
function meaningOf(comment: string): string {
  const line = comment.replace(/\s*\n\s*\*?\s*/g, ' ').trim()
  return (line.charAt(0).toLowerCase() + line.slice(1)).replace(/\.$/, '')
}

const row = (kind: string): string => {
  const { level, fields } = NODE_EVENTS[kind as keyof typeof NODE_EVENTS]
  const names = Object.keys(fields).map(name => `\`${name}\``)
  const meaning = meanings.get(kind) ?? assert.fail(`${kind} has no comment that says what it means`)
  return `| \`${kind}\` | ${level} |${names.length === 0 ? '' : ` ${names.join(', ')}`} | ${meaning} |\n`
}

/** `DOCS=write` regenerates the table. */
test('docs/events.md lists every kind of event with its fields and what it means', () => {
  const page = readFileSync(PAGE, 'utf8')
  const expected = page.slice(0, page.indexOf(HEAD)) + HEAD + Object.keys(NODE_EVENTS).sort().map(row).join('')
  if (process.env['DOCS'] === 'write') writeFileSync(PAGE, expected)
  else assert.equal(page, expected)
})
