import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { promisify } from 'node:util'
import { Command } from 'commander'
import fc from 'fast-check'
import { flagOf, namesOfOptions, optionOf } from '../../src/cli/chat-options.js'
import { addChat } from '../../src/cli/chat-program.js'
import { COMMANDS } from '../../src/cli/command-words.js'
import { plainChatOf } from '../../src/cli/plain-chat.js'
import { CHAT_PROGRAM } from '../helper/chat-process.js'

/** The arguments of the chat's action as commander reads a command line; undefined where it rejects it. */
function readByCommander(args: readonly string[]): unknown[] | undefined {
  let read: unknown[] | undefined
  const program = addChat(new Command(), () => async (...given) => {
    read = given.slice(0, 3)
  })
  program
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeErr: () => {} })
  program.addCommand(new Command('log').exitOverride())
  try {
    program.parse(args, { from: 'user' })
  } catch {
    return undefined
  }
  return read
}

const [VALUED, OPTIONS] = [true, false].map(isValued =>
  namesOfOptions.filter(name => (optionOf(name).argument !== undefined) === isValued).map(flagOf),
) as [string[], string[]]
const ODD = ['--', '-', '-h', '--help', '--al', '--json=1', '-5', '', '--no-last', '--version', '--=', '-v', '--bell']
const value = fc.constantFrom('x', '', '0', '007', '12', '-1', '--all', '1e3', ' 3', '9999999', 'a=b', 'ünï', 'log')
const argument = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('alice', 'bob', '10.0.0.7:4000', '[fd00::2]:4000', 'log').map(word => [word]),
  },
  { weight: 3, arbitrary: fc.constantFrom(...OPTIONS).map(option => [option]) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...VALUED), value) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...VALUED), value).map(([flag, text]) => [`${flag}=${text}`]) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD, ...VALUED).map(odd => [odd]) },
)

test('reads the options of plain command lines as commander does', () => {
  let read = 0
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 7 }), parts => {
      const args = parts.flat()
      const chat = plainChatOf(args)
      if (chat === undefined) return
      read++
      assert.deepEqual([chat.me, chat.peers, { ...chat.flags }], readByCommander(args))
    }),
    { numRuns: 3_000 },
  )
  assert.ok(read > 100, `only ${read} were plain`)
})

test('reads the usual command lines', () => {
  for (const line of ['alice', 'alice bob', 'alice bob --room tea --last 20', 'alice --message hello --data ./d'])
    assert.equal(plainChatOf(line.split(' '))?.me, 'alice', line)
  assert.deepEqual(plainChatOf(['alice', 'bob', '--last', '20']), {
    me: 'alice',
    peers: ['bob'],
    flags: { last: 20, timeout: 10, bell: true, discovery: true },
  })
})

test('leaves commands, mistyped commands and unusual options to commander', () => {
  for (const word of [...COMMANDS, 'people', 'loog', 'LOG', 'statsu', 'x'.repeat(41)])
    assert.equal(plainChatOf([word]), undefined, word)
  for (const line of ['', '--help', 'alice --help', 'alice --nothing', 'alice --last many', 'alice --room', '-- alice'])
    assert.equal(plainChatOf(line.split(' ')), undefined, line)
})

test('knows every command of --help', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [CHAT_PROGRAM, '--help'])
  const listed = [...(stdout.split('\nCommands:\n')[1] ?? '').matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name)
  assert.deepEqual(listed.sort(), [...COMMANDS].sort())
})
