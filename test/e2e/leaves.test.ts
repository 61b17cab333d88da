// Leaving a private room that is not open, with real processes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

const BOUND = { timeout: 300_000 }

test('a member leaves with /leave in the chat, once they have confirmed it', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  const run = async (...args: readonly string[]): Promise<string[]> => {
    const child = startChat(t, [...args, '--data', data])
    await child.exited
    return child.stdout
  }
  await run('room', 'new', 'alice', 'ops', '--no-rescue')
  const options = ['--room', 'ops', '--no-discovery']
  const alice = await openChat(t, { me: 'alice', listen: a, data, options })
  const [code = ''] = await run('invite', 'alice', 'ops')
  await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
  const args = ['bob', a, '--listen', b, '--data', data, ...options]
  const bob = await TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args])
  await bob.waitFor('1 connected: alice')
  await bob.enter('/leave')
  await bob.waitFor('this ends your membership of ops')
  await bob.enter('still here')
  await alice.waitForLine('bob> still here')
  await bob.enter('/leave ops')
  await bob.waitFor('you left ops; its history stays here')
  await alice.waitForLine('bob left the room', { stream: 'stderr' })
})

for (const [isRunning, isForgotten] of [
  [false, false],
  [true, false],
  [false, true],
] as const)
  test(
    `members learn who left ${isForgotten ? 'and deleted ' : ''}a closed room ${isRunning ? 'from a running node' : 'at the next start'}`,
    BOUND,
    async t => {
      const data = await temporaryDirectory(t)
      const [a = '', b = ''] = await localAddresses(2)
      const run = async (...args: readonly string[]): Promise<string[]> => {
        const child = startChat(t, [...args, '--data', data])
        const { code } = await child.exited
        assert.equal(code, 0, child.transcript())
        return child.stdout
      }
      await run('room', 'new', 'alice', 'ops', '--no-rescue')
      const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops', '--no-discovery'] })
      const [code = ''] = await run('invite', 'alice', 'ops')
      await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
      const lobby = () => openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--no-discovery'] })
      if (isRunning) await lobby()
      await run('leave', 'bob', 'ops', ...(isForgotten ? ['--forget'] : []))
      if (!isRunning) {
        assert.ok(!alice.stderr.join().includes('bob left'))
        await lobby()
      }
      await alice.waitForLine('bob left the room', { stream: 'stderr' })
    },
  )
