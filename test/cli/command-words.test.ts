import assert from 'node:assert/strict'
import test from 'node:test'
import { checkFirstWord, firstWordOf } from '../../src/cli/command-words.js'

const COMMANDS = [
  'chat',
  'log',
  'verify',
  'export',
  'import',
  'renew',
  'doctor',
  'gossip',
  'flood',
  'simulate',
  'help',
  'node',
  'status',
  'stop',
  'join',
  'members',
]
const check = (word: string, isUser = false) => checkFirstWord(word, COMMANDS, () => isUser)

test('rejects mistyped commands, and suggests the right one and how to use the word as a name', () => {
  for (const [word, meant] of [
    ['loog', 'log'],
    ['logs', 'log'],
    ['olg', 'log'],
    ['exprot', 'export'],
    ['exort', 'export'],
    ['verfy', 'verify'],
    ['verifi', 'verify'],
    ['jion', 'join'],
    ['impotr', 'import'],
    ['hlep', 'help'],
    ['hlp', 'help'],
    ['chta', 'chat'],
    ['flodo', 'flood'],
    ['simulte', 'simulate'],
    ['simlte', 'simulate'],
    ['statsu', 'status'],
    ['LOG', 'log'],
  ] as const) {
    const expected = { code: 'BAD_USAGE', message: `there is no command ${word}; did you mean ${meant}?` }
    assert.throws(() => check(word), {
      ...expected,
      hint: `To chat under the name ${word}: persisted-chat chat ${word}`,
    })
  }
})

test('rejects planned commands, whatever their case', () => {
  for (const word of ['completion', 'Completion'])
    assert.throws(() => check(word, true), { message: `${word} is not a command of this version` })
  assert.doesNotThrow(
    () => checkFirstWord('completion', [...COMMANDS, 'completion'], () => false),
    'control: once it is one',
  )
})

test('control: accepts commands and names of people', () => {
  for (const word of COMMANDS) assert.doesNotThrow(() => check(word))
  const people = ['alice', 'bob', 'carol', 'dave', 'eve', 'john', 'joan', 'jon', 'rick', 'deb', 'lou', 'chad', 'rene']
  const others = [
    'ann',
    'zoe',
    'leo',
    'max',
    'tom',
    'kim',
    'nora',
    'eduardo',
    'mafintosh',
    'watson',
    'verity',
    'ci',
    'node1',
    'log2',
    'blog',
    'prof',
    'bot',
  ]
  for (const word of [...people, ...others, 'x'.repeat(60_000)]) assert.doesNotThrow(() => check(word), word)
})

test('accepts the name of a user who has chatted here before', () => {
  assert.throws(() => check('logs', false))
  assert.doesNotThrow(() => check('logs', true))
})

test('finds the first word that is neither an option nor the value of one', () => {
  const takesValue = (flag: string): boolean => flag === '--room' || flag === '--data'
  assert.equal(firstWordOf(['--plain', '--room', 'help', 'loog', 'bob'], takesValue), 'loog')
  assert.equal(firstWordOf(['--room=help', 'loog'], takesValue), 'loog')
  assert.equal(firstWordOf(['--plain'], takesValue), undefined)
  assert.equal(firstWordOf(['--', 'loog'], takesValue), undefined)
})
