// The core reports typed events; ui/text makes sentences of them. Only errors contain their own sentences.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { parseSync, Visitor } from 'oxc-parser'

const SRC = path.resolve('src')
const CORE = /^(log|membership|sync|net|node|compat|chat\/presence)\//
/** Files with phrases that several error messages share. */
const ERROR_PHRASES = ['log/store/leveldb/fault-words.ts']

/** Two words with a space between them. */
const SENTENCE = /[A-Za-z]{2,},? [a-z]{2,}/
/** Whose arguments may be sentences: errors, `checkName`, which takes the subject of one, and shared hints. */
const ERROR = /Error$|^checkName$|^HINT$/

interface Found {
  readonly start: number
  readonly text: string
}

/** The string literals of a source file that look like sentences, except those of errors. */
function sentencesIn(source: string): string[] {
  const found: Found[] = []
  const errors: [from: number, to: number][] = []
  const note = (start: number, text: string): void => {
    if (SENTENCE.test(text)) found.push({ start, text })
  }
  const noteError = (name: string, { start, end }: { start: number; end: number }): void => {
    if (ERROR.test(name)) errors.push([start, end])
  }
  new Visitor({
    Literal: node => {
      if (typeof node.value === 'string') note(node.start, node.value)
    },
    TemplateLiteral: node => note(node.start, node.quasis.map(({ value }) => value.raw).join('…')),
    NewExpression: node => {
      if (node.callee.type === 'Identifier') noteError(node.callee.name, node)
    },
    CallExpression: node => {
      if (node.callee.type === 'Identifier') noteError(node.callee.name, node)
    },
    VariableDeclarator: node => {
      if (node.id.type === 'Identifier') noteError(node.id.name, node)
    },
  }).visit(parseSync('source.ts', source).program)
  return found.filter(({ start }) => !errors.some(([from, to]) => from <= start && start < to)).map(({ text }) => text)
}

test('the core contains no sentences except those of errors', () => {
  const files = fs
    .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map(file => file.replaceAll(path.sep, '/'))
    .filter(file => CORE.test(file) && file.endsWith('.ts') && !ERROR_PHRASES.includes(file))
  assert.ok(files.length > 100)
  const sentences = files.flatMap(file =>
    sentencesIn(fs.readFileSync(path.join(SRC, file), 'utf8')).map(text => `${file}: ${text}`),
  )
  assert.deepEqual(sentences, [])
})

test('control: finds sentences in literals and templates, and skips those of errors', () => {
  const source = [
    "report('the disk is full')",
    `report(\`entry \${seq} is missing here\`)`,
    "throw new ChatError('LOG_CLOSED', 'the log is closed', { hint: 'Open it again.' })",
    `checkName(me, \`the name \${me} is used\`)`,
    "report({ kind: 'disk-failed', code: 'E FULL' })",
  ]
  assert.deepEqual(sentencesIn(source.join('\n')), ['the disk is full', 'entry … is missing here'])
})
