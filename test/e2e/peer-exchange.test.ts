import assert from 'node:assert/strict'
import test from 'node:test'
import { startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const NAMES = ['mt-one', 'mt-two', 'mt-three', 'mt-four', 'mt-five', 'mt-six']

/** Starts another peer of a room. Only the first can be found, and only by its address. Returns the peer's address. */
async function join(peer: Child): Promise<string> {
  const line = await peer.waitForLine('info> listening on', { stream: 'stderr' })
  return /:(\d+) in the room/.exec(line)?.[1] ?? ''
}

test('connects six processes that know only the first, and continues without it', {
  timeout: 300_000,
}, async t => {
  const data = await temporaryDirectory(t)
  const room = `meeting-${process.pid}`
  const start = (name: string, known: readonly string[]): Child =>
    startChat(t, [name, ...known, '--room', room, '--data', data])
  const [first = '', ...others] = NAMES
  const one = start(first, [])
  const known = [`127.0.0.1:${await join(one)}`]
  const rest = others.map(name => start(name, known))
  for (const peer of rest) await join(peer)
  const isConnectedToAll = (line: string): boolean =>
    line.startsWith('info> now connected to') && NAMES.length - 1 === line.split(', ').length
  for (const peer of rest)
    while (!peer.stderr.some(isConnectedToAll))
      await peer.waitForLine('info> now connected to', { stream: 'stderr', from: peer.stderr.length })
  assert.equal(await one.stop(), 0)
  rest[0]?.type('the first is gone')
  for (const peer of rest) await peer.waitForLine('mt-two> the first is gone')
  assert.deepEqual(
    await Promise.all(rest.map(peer => peer.stop())),
    rest.map(() => 0),
  )
})

test('control: connects only to named peers without discovery', { timeout: 300_000 }, async t => {
  const data = await temporaryDirectory(t)
  const room = `control-${process.pid}`
  const start = (name: string, known: readonly string[], ...options: string[]): Child =>
    startChat(t, [name, ...known, '--room', room, '--data', data, ...options])
  const [first = '', second = '', third = ''] = NAMES
  const one = start(first, [])
  const known = [`127.0.0.1:${await join(one)}`]
  const two = start(second, known)
  await two.waitForLine('info> connected to', { stream: 'stderr' })
  const three = start(third, known, '--no-discovery')
  await three.waitForLine('info> connected to', { stream: 'stderr' })
  three.type('hello')
  await two.waitForLine('mt-three> hello')
  two.type('hello yourself')
  await three.waitForLine('mt-two> hello yourself')
  const notices = three.stderr.filter(line => line.startsWith('info> connected to'))
  assert.deepEqual(notices, [`info> connected to ${known[0]}`], three.transcript())
  assert.equal(await three.stop(), 0)
})
