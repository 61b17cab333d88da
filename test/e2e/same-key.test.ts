import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freePorts } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A user whose data directory is on two machines, or was restored from a backup.

async function places(t: TestContext) {
  const root = await temporaryDirectory(t)
  const ports = await freePorts(4)
  const at = (index: number): string => `127.0.0.1:${ports[index]}`
  return { at, data: (name: string) => path.join(root, name) }
}

/** Sends a line, and waits until `reader` shows it. */
async function say(speaker: Child, line: string, reader = speaker): Promise<void> {
  speaker.type(line)
  await reader.waitForLine(line)
}

test('reports a fork of our log with the next step, and no delivery for lines that no one has', async t => {
  const { at, data } = await places(t)
  const before = await openChat(t, { me: 'alice', listen: at(0), data: data('one') })
  await say(before, 'before the copy')
  await before.stop()
  await cp(data('one'), data('other'), { recursive: true })

  const bob = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  const carol = await openChat(t, { me: 'carol', listen: at(2), data: data('carol') })
  const one = await openChat(t, { me: 'alice', listen: at(0), peers: [at(1)], data: data('one') })
  await connectedTo(one, at(1))
  await say(one, 'to bob', bob)
  // carol has no entries of alice, so the copy would wait for bob. Its user wrongly states that no peer has more.
  const otherMachine = { data: data('other'), state: data('state of the other') }
  const trusted = startChat(t, ['repair', 'alice', '--nobody-has-more', '--data', otherMachine.data], {
    env: { XDG_STATE_HOME: otherMachine.state },
  })
  assert.equal((await trusted.exited).code, 0, trusted.transcript())
  const other = await openChat(t, { me: 'alice', listen: at(3), peers: [at(2)], ...otherMachine })
  await connectedTo(other, at(2))
  await say(other, 'to carol', carol)
  await one.stop()
  assert.match(one.stderr.join('\n'), /last line delivered to 1 of 1 peers/, 'control')

  const again = await openChat(t, { me: 'alice', listen: at(0), peers: [at(2)], data: data('one') })
  const fork = await again.waitForLine('your log has forked', { stream: 'stderr' })
  assert.match(fork, /two devices.*persisted-chat renew/)
  await again.stop()
  assert.doesNotMatch(again.stderr.join('\n'), /on 1 of 1 peers/)

  const args = ['alice', at(2), '--listen', at(0), '--no-discovery', '--data', data('one')]
  const message = startChat(t, [...args, '--message', 'nobody gets this', '--timeout', '20'])
  const { code } = await message.exited
  assert.equal(code, 1)
  assert.match(message.stderr.join('\n'), /not stored: your log has forked.*persisted-chat renew/)
  assert.doesNotMatch(message.stderr.join('\n'), /on 1 of 1 peers/)
})

test('prints each line once after a backup is restored, and reports reused numbers', async t => {
  const { at, data } = await places(t)
  const bob = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  const alice = { me: 'alice', listen: at(0), peers: [at(1)] }
  const first = await openChat(t, { ...alice, data: data('alice') })
  await connectedTo(first, at(1))
  await say(first, 'kept', bob)
  await first.stop()
  await cp(data('alice'), data('backup'), { recursive: true })
  const second = await openChat(t, { ...alice, data: data('alice') })
  await connectedTo(second, at(1))
  for (const line of ['back 1', 'back 2']) await say(second, line, bob)
  await second.stop()
  await bob.stop()

  const trusting = startChat(t, ['repair', 'alice', '--nobody-has-more', '--data', data('backup')])
  assert.deepEqual(await trusting.exited, { code: 0, signal: null }, trusting.transcript())
  const restored = await openChat(t, { ...alice, data: data('backup'), options: ['--json'] })
  await say(restored, 'said alone')
  const bobAgain = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  await bobAgain.waitForLine('said alone')
  await say(restored, 'after', bobAgain)
  await restored.waitForLine('"after"')
  await restored.stop()
  const messages = restored.stdout.map(line => JSON.parse(line) as { seq: number; message: string })
  assert.deepEqual(messages.map(({ message }) => message).toSorted(), [
    'after',
    'back 1',
    'back 2',
    'kept',
    'said alone',
  ])
  assert.match(restored.stderr.join('\n'), /entries 2 to 2 of your log .* yours get new numbers/)
  assert.match(restored.stderr.join('\n'), /last line delivered to 1 of 1 peers/)
})
