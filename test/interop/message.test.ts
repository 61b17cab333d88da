import assert from 'node:assert/strict'
import test from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { startScuttleup } from '../helper/scuttleup-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// `--message`: posts, waits until a peer has stored it, and exits.

const BOUND = { timeout: 300_000 }

const messageArgs = (me: string, listen: string, peer: string, data: string, text: string): string[] => [
  ...[me, peer, '--listen', listen, '--no-discovery', '--data', data],
  ...['--message', text, '--timeout', '120'],
]

test('reports a message as stored when a native peer has it', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [mine, theirs] = (await localAddresses(2)) as [string, string]
  const bob = await openChat(t, { me: 'bob', listen: theirs, peers: [], data })
  const alice = startChat(t, messageArgs('alice', mine, theirs, data, 'the build is green'))
  assert.equal((await alice.exited).code, 0)
  await bob.waitForLine('alice> the build is green')
  assert.ok(alice.stderr.includes('info> last line delivered to 1 of 1 peers'), alice.stderr.join('\n'))
  assert.deepEqual(alice.stdout, [])
})

test('learns from the handshake of a scuttleup peer that it stored a message', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [mine, theirs] = (await localAddresses(2)) as [string, string]
  const peer = startScuttleup(t, { me: theirs, data, username: 'scuttleup' })
  await peer.waitForLine('info> listening as')
  const alice = startChat(t, messageArgs('alice', mine, theirs, data, 'hello, scuttleup peer'))
  assert.equal((await alice.exited).code, 0)
  await peer.waitForLine('alice> hello, scuttleup peer')
})

test('reports when no peer is there, and sends the line with the next connection', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [mine, theirs] = (await localAddresses(2)) as [string, string]
  const alone = startChat(t, [...messageArgs('alice', mine, theirs, data, 'hello?').slice(0, -1), '1'])
  assert.equal((await alone.exited).code, 1)
  assert.match(alone.stderr.at(-1) ?? '', /not delivered yet: the message is in your log/)
  const bob = await openChat(t, { me: 'bob', listen: theirs, peers: [], data })
  const again = startChat(t, messageArgs('alice', mine, theirs, data, 'hello!'))
  assert.equal((await again.exited).code, 0)
  await bob.waitForLine('alice> hello?')
  await bob.waitForLine('alice> hello!')
})

test(
  'reports that the line is in the log when the timeout is too short, and does not repeat it on retry',
  BOUND,
  async t => {
    const data = await temporaryDirectory(t)
    const [mine, theirs] = (await localAddresses(2)) as [string, string]
    const bob = await openChat(t, { me: 'bob', listen: theirs, peers: [], data })
    const first = startChat(t, messageArgs('alice', mine, theirs, data, 'once'))
    assert.equal((await first.exited).code, 0)
    await bob.stop()
    const inLog = async (text: string): Promise<number> => {
      const log = startChat(t, ['log', 'alice', '--data', data])
      await log.exited
      return log.stdout.filter(line => line === `alice> ${text}`).length
    }
    for (const timeout of ['0', '1', '2']) {
      const tried = startChat(t, [...messageArgs('alice', mine, theirs, data, 'hello?').slice(0, -1), timeout])
      assert.equal((await tried.exited).code, 1)
      assert.match(tried.stderr.at(-1) ?? '', /the message is in your log/)
      assert.equal(await inLog('hello?'), 1, `${timeout} s\n${tried.transcript()}`)
    }
    const other = startChat(t, [...messageArgs('alice', mine, theirs, data, 'hello again').slice(0, -1), '0'])
    await other.exited
    const again = startChat(t, [...messageArgs('alice', mine, theirs, data, 'hello?').slice(0, -1), '0'])
    await again.exited
    assert.equal(await inLog('hello?'), 2, 'control: after another message it is another message')
    const back = await openChat(t, { me: 'bob', listen: theirs, peers: [], data })
    const delivered = startChat(t, messageArgs('alice', mine, theirs, data, 'hello?'))
    assert.equal((await delivered.exited).code, 0)
    await back.waitForLine('alice> hello again')
    const repeated = startChat(t, messageArgs('alice', mine, theirs, data, 'hello?'))
    assert.equal((await repeated.exited).code, 0)
    assert.equal(await inLog('hello?'), 3, 'control: what was delivered is said again')
  },
)

test('sends a message that does not fit into one entry in several, and says so', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [mine, theirs] = (await localAddresses(2)) as [string, string]
  const bob = await openChat(t, { me: 'bob', listen: theirs, peers: [], data })
  const alice = startChat(t, messageArgs('alice', mine, theirs, data, `${'x'.repeat(6_000)} end`))
  assert.equal((await alice.exited).code, 0)
  await bob.waitForLine(/end$/)
  assert.ok(alice.stderr.includes('info> a message of more than 2,560 bytes is sent in several pieces'))
})
