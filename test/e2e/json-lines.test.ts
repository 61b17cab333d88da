import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, watch } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// JSON output for programs.

const BOUND = { timeout: 300_000 }

const objects = (lines: readonly string[]) => lines.map(line => JSON.parse(line) as Record<string, unknown>)

test('marks messages written after connecting as live, and no others', BOUND, async t => {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [], data })
  bob.type('said before the bot started')
  await bob.waitForLine('said before')
  const first = await openChat(t, { me: 'bot', listen: a, peers: [b], data, options: ['--json'] })
  await first.waitForLine('said before')
  first.type('mine')
  await first.waitForLine('mine')
  await bob.stop()
  await first.waitForLine('bob left', { stream: 'stderr' })
  // bob writes a line before the bot dials him: the bot receives the line when they connect.
  const elsewhere = await openChat(t, { me: 'bob', listen: c, peers: [], data })
  elsewhere.type('said while not connected')
  await elsewhere.waitForLine('said while')
  await elsewhere.stop()
  const alone = await openChat(t, { me: 'bob', listen: b, peers: [], data })
  await first.waitForLine('said while')
  alone.type('said live')
  await first.waitForLine('said live')
  const live = objects(first.stdout).map(({ message, live }) => [message, live])
  assert.deepEqual(live.slice(0, 2), [
    ['said before the bot started', false],
    ['mine', true],
  ])
  assert.deepEqual(live.slice(2), [
    ['said while not connected', false],
    ['said live', true],
  ])
  await first.stop()
  const again = await openChat(t, { me: 'bot', listen: a, peers: [b], data, options: ['--json'] })
  await again.waitForLine('said live')
  assert.ok(objects(again.stdout).every(message => message['live'] === false))
  const log = startChat(t, ['log', 'bob', '--json', '--data', data])
  await Promise.all([alone.stop(), again.stop()])
  await log.exited
  const printed = startChat(t, ['log', 'bot', '--json', '--data', data])
  await printed.exited
  assert.ok(printed.stdout.length > 3 && objects(printed.stdout).every(message => message['live'] === false))
})

test('prints presence changes with --presence', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bot = await openChat(t, { me: 'bot', listen: a, data, options: ['--json', '--presence'] })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await bot.waitForLine('"presence":"here"')
  bob.type('hello')
  await bot.waitForLine('"message":"hello"')
  await bob.stop()
  await bot.waitForLine('"presence":"left"')
  const [here, hello, left] = objects(bot.stdout)
  const key = hello?.['author']
  const { time, ...rest } = here ?? {}
  assert.ok(!Number.isNaN(Date.parse(String(time))))
  assert.deepEqual(rest, { event: 'presence', presence: 'here', username: 'bob', key, linked: true })
  assert.equal(hello?.['event'], undefined)
  assert.deepEqual([left?.['presence'], left?.['key'], left?.['username']], ['left', key, 'bob'])
  await bot.stop()
})

test('control: prints messages only without --presence', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bot = await openChat(t, { me: 'bot', listen: a, data, options: ['--json'] })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  await connectedTo(bob, a)
  bob.type('hello')
  await bot.waitForLine('"message":"hello"')
  await bob.stop()
  await bot.waitForLine('bob left', { stream: 'stderr' })
  assert.deepEqual(
    objects(bot.stdout).map(({ message }) => message),
    ['hello'],
  )
})

test('--on-mention runs a command with the message', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [], data })
  const file = path.join(data, 'mentions')
  const options = ['--json', '--on-mention', `tee -a '${file}'`]
  const bot = await openChat(t, { me: 'bot', listen: a, peers: [b], data, options })
  await connectedTo(bot, b)
  bob.type('nobody')
  await bot.waitForLine('nobody')
  // A line is live only if no connection opened after it: two peers may need more than one until they are connected.
  let line = 0
  for (let isLive = false; !isLive; isLive = objects(bot.stdout).at(-1)?.['live'] === true) {
    bob.type(`bot: $(touch trap) ${++line}`)
    await bot.waitForLine(`touch trap) ${line}`)
  }
  const mentions = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])
  const watcher = watch(data)
  t.after(() => watcher.close())
  while (mentions().length === 0) await once(watcher, 'change')
  assert.deepEqual(
    objects(mentions()).map(({ room, message }) => [room, message]),
    [['lobby', `bot: $(touch trap) ${line}`]],
  )
})
