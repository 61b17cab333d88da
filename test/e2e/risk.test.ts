// The number of disks that have each line, with real processes.
import assert from 'node:assert/strict'
import test from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }

test(
  'risk counts the copies that members have proven, after they are gone, and until they are forgotten',
  BOUND,
  async t => {
    const data = await temporaryDirectory(t)
    const [a = '', b = ''] = await localAddresses(2)
    const run = async (...args: readonly string[]) => {
      const child = startChat(t, [...args, '--data', data])
      const { code } = await child.exited
      return { code, child, stdout: child.stdout }
    }
    const risk = async (...args: readonly string[]) => {
      const { code, child, stdout } = await run('risk', 'alice', 'ops', '--json', ...args)
      assert.equal(stdout.length, 1, child.transcript())
      const { lines, copies, only, peers } = JSON.parse(stdout[0] ?? '')
      return {
        code,
        lines,
        copies,
        only,
        peers: peers.map((peer: { name: string; lines: number }) => [peer.name, peer.lines]),
      }
    }
    const options = ['--room', 'ops', '--no-discovery']
    const open = (me: string, listen: string, ...peers: readonly string[]) =>
      openChat(t, { me, listen, peers, data, options })
    await run('room', 'new', 'alice', 'ops', '--no-rescue')
    assert.deepEqual(
      await risk('--min', '2'),
      { code: 0, lines: 0, copies: 0, only: 0, peers: [] },
      'no line is at risk',
    )

    const alice = await open('alice', a)
    const [code = ''] = (await run('invite', 'alice', 'ops')).stdout
    await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
    const bob = await open('bob', b, a)
    for (const [screen, text] of [
      [alice, 'one'],
      [bob, 'two'],
      [alice, 'three'],
    ] as const) {
      screen.type(text)
      for (const each of [alice, bob]) await each.waitForLine(`> ${text}`)
    }
    await bob.stop()
    await alice.waitForLine('bob left', { stream: 'stderr' })
    alice.type('nobody has this')
    await alice.waitForLine('> nobody has this')
    await alice.stop()
    const alone = { code: 1, lines: 4, copies: 1, only: 1, peers: [['bob', 3]] }
    assert.deepEqual(await risk('--min', '2'), alone)
    assert.deepEqual(await risk(), { ...alone, code: 0 })
    assert.match(
      (await run('risk', 'alice')).stdout.join('\n'),
      /#ops {2}4 lines, .*1 of them only here\n {2}bob \([0-9a-f]{8}\) {2}has 3/,
    )

    assert.deepEqual(await risk('--min', '2', '--forget-peer', 'bob'), { ...alone, only: 4, peers: [] })
    assert.equal((await run('risk', 'alice', '--forget-peer', 'bob')).code, 2, 'nothing is known of bob any more')

    const again = await open('alice', a)
    const back = await open('bob', b, a)
    await back.waitForLine('> nobody has this')
    while ((await risk('--min', '2')).code !== 0);
    await again.stop()
    await back.stop()
    assert.deepEqual(await risk('--min', '2'), { code: 0, lines: 4, copies: 2, only: 0, peers: [['bob', 4]] })
  },
)
