import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadKey } from '../../src/base/crypto/key-file.js'
import { systemRandom } from '../../src/base/random.js'
import { authorOfKey } from '../../src/log/format/author.js'
import { CONNECTIONS_MAX } from '../../src/net/limits.js'
import { homeOf } from '../../src/node/paths.js'
import { startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { type Host, Network, noHosts } from '../helper/network.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Two hosts take all connections that one peer allows strangers, while honest people go on chatting.

const BOUND = { timeout: 300_000, ...(noHosts !== undefined && { skip: noHosts }) }
const ADMITTED_MS = 2_000
const PORT = 4_000
const ATTACKER = fileURLToPath(new URL('../helper/eclipse-process.js', import.meta.url))

const chat = (host: Host, data: string, me: string, ...peers: readonly Host[]): Promise<Child> =>
  host.chat([me, ...peers.map(({ address }) => `${address}:${PORT}`), '--listen', String(PORT), '--no-discovery'], data)

/** Resolves with how long it took until a line arrived. */
async function within(ms: number, line: Promise<unknown>): Promise<number> {
  const since = performance.now()
  await line
  const tookMs = Math.round(performance.now() - since)
  assert.ok(tookMs <= ms, `${tookMs} ms`)
  return tookMs
}

test('two hosts that use up all connections keep no known person out, and disconnect nobody', BOUND, async t => {
  const network = new Network(t)
  const [data, daves] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const [a, b, c, d, e, first, second] = [1, 2, 3, 4, 5, 6, 7].map(number => network.host(number))
  if (!a || !b || !c || !d || !e || !first || !second) return assert.fail()
  // alice knows dave, whom she does not dial.
  const early = await chat(d, daves, 'dave')
  assert.equal(await early.stop(), 0)
  const { publicKey } = await loadKey(homeOf(daves, 'dave').keyFile, systemRandom)
  const alice = await chat(a, data, 'alice')
  const accept = startChat(t, ['people', 'alice', 'accept', 'dave', authorOfKey(publicKey), '--data', data])
  assert.equal((await accept.exited).code, 0, accept.transcript())
  const bob = await chat(b, await temporaryDirectory(t), 'bob', a)
  const carol = await chat(c, await temporaryDirectory(t), 'carol', a, b)
  for (const peer of [bob, carol]) await peer.waitForLine('info> connected to', { stream: 'stderr' })

  // Both attackers are in blocks of addresses of their own.
  const sources = ['10.80.0.9', '10.81.0.9'] as const
  for (const [index, host] of [first, second].entries()) {
    const from = sources[index] ?? ''
    host.run('ip', 'addr', 'add', `${from}/32`, 'dev', 'eth0')
    host.start(process.execPath, [ATTACKER, a.address, String(PORT), from])
  }
  // Counted by alice's kernel, with what she has not accepted yet: how slots are shared is tested in test/net/slots.property.
  const held = async (): Promise<number[]> => {
    const sockets = a.start('ss', ['-Htn', 'state', 'established', 'sport', '=', `:${PORT}`])
    await sockets.exited
    return sources.map(from => sockets.stdout.filter(line => line.includes(from)).length)
  }
  let counts = await held()
  while (counts.reduce((sum, count) => sum + count, 0) < CONNECTIONS_MAX - 4) counts = await held()

  const dave = await chat(d, daves, 'dave', a)
  const known = await within(ADMITTED_MS, dave.waitForLine('info> connected to', { stream: 'stderr' }))
  const newcomer = await chat(e, await temporaryDirectory(t), 'erin', a)
  const stranger = await within(ADMITTED_MS, newcomer.waitForLine('info> connected to', { stream: 'stderr' }))
  const lines: number[] = []
  for (const [speaker, name] of [
    [alice, 'alice'],
    [bob, 'bob'],
    [carol, 'carol'],
    [dave, 'dave'],
  ] as const) {
    speaker.type(`${name} is here`)
    const others = [alice, bob, carol, dave, newcomer].filter(each => each !== speaker)
    lines.push(await within(ADMITTED_MS, Promise.all(others.map(each => each.waitForLine(`> ${name} is here`)))))
  }
  for (const peer of [bob, carol, dave])
    assert.ok(!peer.stderr.some(line => line.includes('lost the connection')), peer.transcript())
  // At most one notice of each kind a minute about arrivals and departures of strangers.
  const notices = alice.stderr.filter(line => /strangers? (came|left)|lost the connection|connected to/.test(line))
  assert.ok(notices.length < 20, alice.transcript())
  t.diagnostic(
    `held ${counts}; known ${known} ms, stranger ${stranger} ms, lines ${lines} ms; ${notices.length} notices`,
  )
})
