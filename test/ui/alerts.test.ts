import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import type { Message } from '../../src/chat/kinds/message.js'
import { Alerts } from '../../src/ui/alerts.js'
import { MentionCommand } from '../../src/ui/mention-command.js'
import { notificationOf } from '../../src/ui/terminal/notification.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const BOUND = { timeout: 60_000 }

const said = (message: string, timeMs: number): Message =>
  ({
    author: 'b'.repeat(64),
    run: 0,
    seq: 1,
    username: 'bob',
    message,
    kind: 'text',
    at: '1.0',
    timeMs,
    isVerified: true,
  }) as Message

/** Alerts whose notifications and warnings are collected. */
function alerting(command?: string) {
  const clock = new VirtualClock()
  const [notes, warnings]: [string[], string[]] = [[], []]
  const alerts = new Alerts({
    command,
    clock,
    notify: text => void notes.push(text),
    warn: line => void warnings.push(line),
  })
  const rang = (isShown: boolean, message = said('alice: hi', clock.now()), connectedAt?: number) =>
    alerts.rang({ room: 'ops', message, connectedAt, isShown })
  return { alerts, clock, notes, warnings, rang }
}

/** A command that appends what it reads to a file, and the lines of that file once there are `count`. */
async function collected(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'messages')
  const lines = async (count: number): Promise<string[]> => {
    const watcher = watch(directory)
    for (;;) {
      const all = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
      if (all.length >= count) {
        watcher.close()
        return all
      }
      await once(watcher, 'change')
    }
  }
  return { directory, command: `cat >> '${file}'`, lines }
}

test('notifies of what the user does not see: in other rooms, or a minute after their last key', () => {
  const { alerts, clock, notes, rang } = alerting()
  rang(true)
  assert.deepEqual(notes, ['#ops bob: alice: hi'])
  clock.advance(5_000)
  alerts.used()
  rang(true)
  assert.equal(notes.length, 1, 'they read it')
  rang(false)
  rang(false)
  assert.equal(notes.length, 2, 'at most one a second')
  clock.advance(60_000)
  rang(true)
  assert.equal(notes.length, 3)
})

test('does not notify of history and of what is caught up', () => {
  const { clock, notes, rang } = alerting()
  const before = clock.now() - 1
  clock.advance(10_000)
  rang(false, said('alice: old', before))
  rang(false, said('alice: caught up', clock.now() - 5_000), clock.now())
  assert.deepEqual(notes, [])
  rang(false, said('alice: new', clock.now()), clock.now())
  assert.equal(notes.length, 1)
})

test('runs the command for each message, with its JSON on stdin and none of it in the shell', BOUND, async t => {
  const { directory, command, lines } = await collected(t)
  const { clock, rang } = alerting(command)
  const trap = path.join(directory, 'trap')
  for (const text of [`alice: $(touch ${trap}) \`touch ${trap}\`; touch ${trap}`, 'alice: second\n'])
    rang(false, said(text, clock.now()))
  const [first, second] = (await lines(2)).map(line => JSON.parse(line))
  assert.deepEqual([first.room, first.username, first.live], ['ops', 'bob', true])
  assert.match(first.message, /touch/)
  assert.equal(second.message, 'alice: second\n')
  assert.ok(!existsSync(trap))
})

test('runs one command at a time, and leaves out the oldest of many messages', BOUND, async t => {
  const { directory, lines } = await collected(t)
  const file = path.join(directory, 'messages')
  const lock = path.join(directory, 'lock')
  // mkdir fails if another command runs.
  const warnings: string[] = []
  const mention = new MentionCommand(`mkdir '${lock}' && cat >> '${file}' && rmdir '${lock}'`, line =>
    warnings.push(line),
  )
  for (let index = 0; index < 100; index++) mention.run(String(index))
  assert.deepEqual(await lines(17), ['0', ...Array.from({ length: 16 }, (_, index) => String(84 + index))])
  assert.deepEqual(warnings, [])
})

test('reports a failing command once', BOUND, async t => {
  const { command, lines } = await collected(t)
  const warnings: string[] = []
  const mention = new MentionCommand(`${command}; exit 3`, line => void warnings.push(line))
  for (const text of ['a', 'b', 'c']) mention.run(text)
  await lines(3)
  assert.deepEqual(warnings, ['the command of --on-mention failed with exit code 3'])
})

test('reports a command that cannot be started, and continues', BOUND, async () => {
  // spawn throws for both, instead of emitting an error.
  for (const command of ['', 'true\0']) {
    const warnings: string[] = []
    await new Promise<void>(resolve => {
      const mention = new MentionCommand(command, line => resolve(void warnings.push(line)))
      mention.run('a')
    })
    assert.match(warnings.join(), /^the command of --on-mention cannot be started: /)
  }
})

test('a notification contains no control of a stranger, and has the form that the terminal knows', () => {
  const text = `4;1;\u001b]0;title\u0007\u009d${'x'.repeat(500)}`
  for (const env of [{ TERM: 'xterm-256color' }, { TERM: 'rxvt-unicode' }, { TERM: 'xterm', VTE_VERSION: '7600' }]) {
    const sequence = notificationOf(text, env)
    assert.match(
      sequence,
      env.TERM === 'xterm-256color' ? /^\u001b\]9;persisted-chat: 4;1;/ : /^\u001b\]777;notify;persisted-chat;4;1;/,
    )
    assert.doesNotMatch(sequence.slice(1, -1), /[\u0000-\u001f\u007f-\u009f]/)
    assert.ok(sequence.length < 250)
    const wrapped = notificationOf(text, { ...env, TMUX: '/tmp/tmux-1000/default,1,0' })
    assert.equal(wrapped, `\u001bPtmux;\u001b${sequence}\u001b\\`, 'tmux passes it on')
  }
})
