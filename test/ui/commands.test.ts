import assert from 'node:assert/strict'
import test from 'node:test'
import { keyPairOf } from '../../src/base/crypto/signing.js'
import { ChatError } from '../../src/base/errors.js'
import { momentOf } from '../../src/base/moment.js'
import { hexOf } from '../../src/base/wire/bytes.js'
import type { Fields } from '../../src/host/protocol/codec.js'
import { rescueSeedOf } from '../../src/membership/rescue-words.js'
import { COMMANDS, lineOf, unknownCommandLine } from '../../src/ui/commands/commands.js'
import type { CommandContext } from '../../src/ui/commands/context.js'
import { room } from '../../src/ui/commands/members.js'
import { leave } from '../../src/ui/commands/rooms.js'
import { ADVICE, ALIASES } from '../../src/ui/commands/verbs.js'
import { distanceOf } from '../../src/ui/near-miss.js'
import { complete } from '../../src/ui/terminal/editor/completion.js'

const adviceOn = (text: string): string => {
  const line = lineOf(text)
  return line.kind === 'unknown' ? unknownCommandLine(line) : line.kind
}

test('parses messages, commands and messages that begin with a slash', () => {
  assert.deepEqual(lineOf('hello'), { kind: 'message', text: 'hello' })
  assert.deepEqual(lineOf('//etc/hosts'), { kind: 'message', text: '/etc/hosts' })
  assert.deepEqual(lineOf('/nick  Al '), { kind: 'command', name: 'nick', argument: 'Al' })
  assert.deepEqual(lineOf('/QUIT'), { kind: 'command', name: 'quit', argument: '' })
  assert.deepEqual(lineOf('/me one\ntwo'), { kind: 'command', name: 'me', argument: 'one\ntwo' })
})

test('accepts commands of other chats as aliases, or advises what to use instead', () => {
  for (const [typed, name] of [
    ['/exit', 'quit'],
    ['/BYE', 'quit'],
    ['/names', 'who'],
    ['/dm', 'msg'],
    ['/query', 'msg'],
    ['/ignore', 'hide'],
    ['/j', 'join'],
    ['/channels', 'rooms'],
    ['/part', 'leave'],
  ] as const)
    assert.deepEqual(lineOf(`${typed} bob`), { kind: 'command', name, argument: 'bob' })
  assert.match(adviceOn('/clear'), /Ctrl-L/)
  assert.match(adviceOn('/kick bob'), /\/hide/)
  for (const name of ALIASES.values()) assert.ok(COMMANDS.some(command => command.name === name))
  for (const verb of [...ALIASES.keys(), ...ADVICE.keys()])
    assert.ok(!COMMANDS.some(command => command.name === verb), `${verb} is a command itself`)
  assert.match(adviceOn('/frobnicate'), /\/help lists all\. To say it, type \/\/frobnicate$/, 'control')
})

test('suggests the command that a mistyped one resembles', () => {
  const meant = (text: string) => /did you mean \/(\w+)\?/.exec(adviceOn(text))?.[1]
  assert.equal(meant('/serch x'), 'search')
  assert.equal(meant('/hlep'), 'help')
  assert.equal(meant('/exprot'), 'export')
  assert.equal(meant('/conect bob'), 'connect')
  assert.equal(meant('/q'), 'quit')
  assert.equal(meant('/nicks'), 'nick')
  assert.equal(meant('/frobnicate'), undefined)
  assert.equal(meant('/__proto__'), undefined)
  assert.equal(meant(`/${'x'.repeat(60_000)}`), undefined)
})

test('counts added, missing, replaced and swapped letters as one each', () => {
  for (const [a, b, distance] of [
    ['', '', 0],
    ['who', 'who', 0],
    ['who', 'whois', 2],
    ['hwo', 'who', 1],
    ['topik', 'topic', 1],
    ['', 'me', 2],
  ] as const)
    assert.equal(distanceOf(a, b), distance, `${a} ${b}`)
})

test('completes commands as far as all choices agree', () => {
  assert.deepEqual(complete('/sea', []), { text: '/search ', choices: [] })
  assert.deepEqual(complete('/who', []), { text: '/who', choices: ['/who', '/whois'] })
  assert.deepEqual(complete('/wh', []), { text: '/wh', choices: ['/who', '/whois', '/where'] })
  assert.equal(complete('/xyz', []), undefined)
  assert.deepEqual(complete('/help ver', []), { text: '/help verify', choices: [] })
})

test('completes names at the start of a line, after @, and as an argument', () => {
  const names = ['Bob', 'alice', 'albert']
  assert.deepEqual(complete('bo', names), { text: 'Bob: ', choices: [] })
  assert.deepEqual(complete('hello @bo', names), { text: 'hello @Bob ', choices: [] })
  assert.deepEqual(complete('/whois bo', names), { text: '/whois Bob ', choices: [] })
  assert.deepEqual(complete('hey al', names), { text: 'hey al', choices: ['albert', 'alice'] })
  assert.equal(complete('', names), undefined)
})

test('ends the membership of a private room only if its name confirms it, and closes a public one', async () => {
  const typed = async (argument: string, isPrivate: boolean) => {
    const done: string[] = []
    const context = {
      session: { room: { room: 'ops' } },
      rooms: { badges: () => [{}, {}], leave: () => done.push('closed') },
      request: async function* ({ do: name }: Fields) {
        if (!isPrivate) throw new ChatError('BAD_USAGE', 'alice has no private room called ops')
        if (name !== 'members') done.push(String(name))
        yield {}
      },
      runTask: (_: string, work: () => Promise<void>) => work(),
      tell: () => {},
      complain: (line: string) => void done.push(line),
    }
    await leave.run(context as unknown as CommandContext, argument)
    return done
  }
  for (const argument of ['', 'dev']) assert.match((await typed(argument, true)).join(), /^this ends .* \/leave ops /)
  assert.deepEqual(await typed('ops', true), ['leave', 'closed'])
  assert.deepEqual(await typed('', false), ['closed'])
})

test('founds a private room and shows its rescue words once', async () => {
  const founded = async (argument: string) => {
    const requests: Fields[] = []
    const shown: string[] = []
    const context = {
      request: async function* (fields: Fields) {
        requests.push(fields)
        yield {}
      },
      runTask: (_: string, work: () => Promise<void>) => work(),
      tell: (...lines: string[]) => void shown.push(...lines),
      list: (...rows: string[]) => void shown.push(...rows),
      complain: (line: string) => void shown.push(line),
    }
    await room.run(context as unknown as CommandContext, argument)
    return { request: requests[0], shown }
  }
  const { request, shown } = await founded('new ops --closed')
  const words = shown.slice(-4).join(' ')
  assert.equal(words.split(' ').length, 24)
  assert.equal(request?.['rescue'], hexOf(keyPairOf(rescueSeedOf(words)).publicKey))
  assert.equal(request?.['isClosed'], true)
  const without = await founded('new ops --no-rescue')
  assert.deepEqual(
    [without.request?.['rescue'], without.request?.['isClosed'], without.shown.length],
    [undefined, false, 1],
  )
  assert.deepEqual((await founded('new ops --close')).request, undefined)
})

test('has one line of help for every command', () => {
  for (const { name, help } of COMMANDS) {
    assert.match(name, /^[a-z]+$/)
    assert.ok(help.length > 10 && help.length < 80, name)
  }
})

test('rejects days that the calendar does not have', () => {
  const now = new Date(2026, 10, 21, 12, 0).getTime()
  for (const none of ['2026-02-29', '2026-02-30', '2026-04-31T10:00', '2026-11-31', '2026-00-10', '2026-11-00'])
    assert.equal(momentOf(none, now), undefined, none)
  assert.notEqual(momentOf('2028-02-29', now), undefined, 'control: a leap day')
})

test('parses times of today and yesterday, days, and days with a time', () => {
  const now = new Date(2026, 10, 21, 12, 0).getTime()
  assert.equal(momentOf('11:30', now), new Date(2026, 10, 21, 11, 30).getTime())
  assert.equal(momentOf('13:30', now), new Date(2026, 10, 20, 13, 30).getTime())
  assert.equal(momentOf('2026-11-20', now), new Date(2026, 10, 20).getTime())
  assert.equal(momentOf('2026-11-20T10:00', now), new Date(2026, 10, 20, 10).getTime())
  assert.equal(momentOf('2026-11-20 10:00:30', now), new Date(2026, 10, 20, 10, 0, 30).getTime())
  assert.equal(momentOf('2026-11-20T10:00Z', now), Date.UTC(2026, 10, 20, 10))
  for (const none of ['', 'soon', '25:00', '11:60', '7', '2026-13-45', '2026-11-20 noon', '2026-'])
    assert.equal(momentOf(none, now), undefined, none)
})
