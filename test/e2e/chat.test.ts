import assert from 'node:assert/strict'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type ChatPeer, connectedTo, openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freeNames, localAddresses } from '../helper/ports.js'
import { crash } from '../helper/running-node.js'
import { hasMulticast } from '../helper/scuttleup-peer.js'

import { temporaryDirectory } from '../helper/temporary-directory.js'

// The basic scenarios of the program, run through its command line.

const BOUND = { timeout: 300_000 }

async function stopAll(...peers: readonly Child[]): Promise<void> {
  assert.deepEqual(
    await Promise.all(peers.map(peer => peer.stop())),
    peers.map(() => 0),
  )
}

/** Waits for `line`, and asserts that every message before it was printed once and in order. */
async function hears(peer: Child, ...lines: readonly string[]): Promise<void> {
  await peer.waitForLine(lines.at(-1) ?? '')
  assert.deepEqual(peer.stdout, lines, peer.transcript())
}

/** alice writes before bob starts; bob starts and answers; both restart. */
async function helloStory(t: TestContext, alice: ChatPeer, bob: ChatPeer): Promise<void> {
  const [asAlice, asBob] = [`${alice.me}>`, `${bob.me}>`]
  const early = await openChat(t, alice)
  early.type('hello')
  await hears(early, `${asAlice} hello`)

  const late = await openChat(t, bob)
  await hears(late, `${asAlice} hello`)
  late.type('hi, alice')
  await hears(early, `${asAlice} hello`, `${asBob} hi, alice`)
  await stopAll(early, late)

  const again = [await openChat(t, alice), await openChat(t, bob)] as const
  for (const peer of again) await hears(peer, `${asAlice} hello`, `${asBob} hi, alice`)
  await connectedTo(again[0], alice.peers?.[0] ?? '')
  again[0].type('once more')
  again[1].type('and for the last time')
  for (const peer of again) {
    await peer.waitForLine('once more')
    await peer.waitForLine('and for the last time')
    assert.equal(peer.stdout.length, 4, peer.transcript())
    assert.deepEqual(peer.stdout.slice(0, 2), [`${asAlice} hello`, `${asBob} hi, alice`])
  }
  await stopAll(...again)

  const [third, fourth] = [await openChat(t, alice), await openChat(t, bob)]
  await third.waitForLine('once more')
  await third.waitForLine('for the last time')
  await hears(fourth, ...third.stdout)
  await stopAll(third, fourth)
}

test('delivers history to a peer that connects later by address, and keeps it over restarts', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  await helloStory(t, { me: 'alice', listen: a, peers: [b], data }, { me: 'bob', listen: b, peers: [a], data })
})

test('delivers history to a peer that connects later by name, and keeps it over restarts', BOUND, async t => {
  if (!(await hasMulticast())) return t.skip('multicast does not come back on this machine')
  const [alice, bob] = await freeNames('alice', 'bob')
  const data = await temporaryDirectory(t)
  await helloStory(t, { me: alice, peers: [bob], data }, { me: bob, peers: [alice], data })
})

test('connects two peers if one of them names the other', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data })
  alice.type('hello')
  await hears(bob, 'alice> hello')
})

/** A line of three peers, each of which names only its neighbours. */
async function chain(t: TestContext) {
  const [e = '', m = '', w = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  const eduardo = await openChat(t, { me: 'eduardo', listen: e, peers: [m], data })
  const middle: ChatPeer = { me: 'mafintosh', listen: m, peers: [e, w], data }
  const watson = await openChat(t, { me: 'watson', listen: w, peers: [m], data })
  return { eduardo, watson, middle, ends: { eduardo: e, watson: w, mafintosh: m } }
}

test('relays every message once to peers that are not directly connected', BOUND, async t => {
  const { eduardo, watson, middle } = await chain(t)
  const mafintosh = await openChat(t, middle)
  const everyone = [eduardo, mafintosh, watson]
  const said: string[] = []
  for (let round = 1; round <= 3; round++) {
    for (const [index, name] of ['eduardo', 'mafintosh', 'watson'].entries()) {
      const line = `${name}> round ${round}`
      everyone[index]?.type(`round ${round}`)
      for (const peer of everyone) await peer.waitForLine(line)
      said.push(line)
    }
  }
  for (const peer of everyone) assert.deepEqual(peer.stdout, said, peer.transcript())
})

test('converges after the peer in the middle returns', BOUND, async t => {
  const { eduardo, watson, middle, ends } = await chain(t)
  const first = await openChat(t, middle)
  eduardo.type('can you hear me, watson?')
  await watson.waitForLine('eduardo> can you hear me, watson?')
  await first.stop()
  // On a busy machine the goodbye may come too late for `left`.
  for (const peer of [eduardo, watson])
    await peer.waitForLine(/mafintosh left|lost the connection to mafintosh/, { stream: 'stderr' })
  for (let line = 1; line <= 5; line++) {
    eduardo.type(`from eduardo ${line}`)
    watson.type(`from watson ${line}`)
  }
  await eduardo.waitForLine('from eduardo 5')
  await watson.waitForLine('from watson 5')
  assert.equal(watson.stdout.length, 6)

  const second = await openChat(t, middle)
  const everyone = [eduardo, second, watson]
  for (const peer of everyone) {
    await peer.waitForLine('from eduardo 5')
    await peer.waitForLine('from watson 5')
  }
  second.type('back again')
  for (const peer of everyone) await peer.waitForLine('mafintosh> back again')
  const [reference = [], ...others] = everyone.map(peer => peer.stdout.toSorted())
  assert.equal(reference.length, 12)
  for (const other of others) assert.deepEqual(other, reference)

  // The history has the same order on every peer, however it arrived.
  await stopAll(...everyone)
  const [e, m, w] = [
    await openChat(t, { me: 'eduardo', data: middle.data, listen: ends.eduardo }),
    await openChat(t, { ...middle, peers: [] }),
    await openChat(t, { me: 'watson', data: middle.data, listen: ends.watson }),
  ]
  for (const peer of [e, m, w]) await peer.waitForLine('mafintosh> back again')
  assert.deepEqual(m.stdout, e.stdout)
  assert.deepEqual(w.stdout, e.stdout)
  assert.equal(e.stdout[0], 'eduardo> can you hear me, watson?')
  assert.equal(e.stdout[11], 'mafintosh> back again')
})

test('reports a killed peer, and brings it up to date when it returns', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bob: ChatPeer = { me: 'bob', listen: b, data }
  const alice = await openChat(t, { me: 'alice', listen: a, peers: [b], data })
  const first = await openChat(t, bob)
  await connectedTo(alice, b)
  await crash(first, bob)
  await alice.waitForLine('info> lost the connection to ', { stream: 'stderr' })
  alice.type('are you there?')
  await alice.waitForLine('alice> are you there?')
  const second = await openChat(t, bob)
  await hears(second, 'alice> are you there?')
})

test('keeps another room apart from the lobby', BOUND, async t => {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
  const carol = await openChat(t, { me: 'carol', listen: c, peers: [a], data })
  await carol.waitForLine(`warn> ${a} (${a}): the peer is not in this room; still trying`, { stream: 'stderr' })
  alice.type('only for ops')
  await hears(bob, 'alice> only for ops')
  assert.deepEqual(carol.stdout, [])
})

test('two devices with one key write at once and in turn: each line is on both and on a peer, once', BOUND, async t => {
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const [first, second, third] = [await temporaryDirectory(t), await temporaryDirectory(t), await temporaryDirectory(t)]
  const desk = await openChat(t, { me: 'alice', listen: a, data: first })
  const carol = await openChat(t, { me: 'carol', listen: c, peers: [a], data: third })
  await mkdir(join(second, 'alice'))
  await copyFile(join(first, 'alice/key'), join(second, 'alice/key'))
  const state = await temporaryDirectory(t)
  const place: ChatPeer = { me: 'alice', listen: b, peers: [a, c], data: second, state }
  const laptop = await openChat(t, place)
  await laptop.waitForLine('is another device with your key', { stream: 'stderr' })
  laptop.type('from the laptop')
  desk.type('from the desk')
  for (const peer of [desk, laptop, carol])
    for (const line of ['from the laptop', 'from the desk']) await peer.waitForLine(`alice> ${line}`)
  await desk.stop()
  laptop.type('from the laptop alone')
  await carol.waitForLine('alice> from the laptop alone')
  await laptop.stop()

  const again = await openChat(t, place)
  again.type('after a restart')
  await carol.waitForLine('alice> after a restart')
  await again.waitForLine('alice> after a restart')
  const lines = ['from the desk', 'from the laptop', 'from the laptop alone', 'after a restart'].map(
    line => `alice> ${line}`,
  )
  for (const peer of [again, carol]) assert.deepEqual(peer.stdout.toSorted(), lines.toSorted(), peer.transcript())
  for (const peer of [desk, laptop, again]) assert.doesNotMatch(peer.stderr.join('\n'), /two devices wrote/)
})

test('listens on a free port with port 0, and reports and announces it', { timeout: 300_000 }, async t => {
  const data = await temporaryDirectory(t)
  for (const listen of ['0', ':0', 'localhost:0', '127.0.0.1:0', '[::1]:0']) {
    const name = `alice${listen.length}`
    const alice = await openChat(t, { me: name, listen, data })
    const line = await alice.waitForLine('info> listening on', { stream: 'stderr' })
    const port = /:(\d+)$/.exec(line)?.[1]
    assert.ok(Number(port) > 0, line)
    const host = listen.startsWith('[') ? '[::1]' : '127.0.0.1'
    const bob = await openChat(t, { me: 'bob', listen: 'localhost:0', peers: [`${host}:${port}`], data })
    bob.type(`hello ${listen}`)
    await alice.waitForLine(`bob> hello ${listen}`)
    await Promise.all([alice.stop(), bob.stop()])
  }
})

test('does not report a peer as left when a duplicate connection closes', BOUND, async t => {
  const data = await temporaryDirectory(t)
  for (let round = 0; round < 3; round++) {
    const [a = '', b = ''] = await localAddresses(2)
    const [alice, bob] = await Promise.all([
      openChat(t, { me: 'alice', listen: a, peers: [b], data }),
      openChat(t, { me: 'bob', listen: b, peers: [a], data }),
    ])
    await Promise.all([connectedTo(alice, b), connectedTo(bob, a)])
    for (let line = 0; line < 5; line++) {
      alice.type(`from alice ${line} in ${round}`)
      bob.type(`from bob ${line} in ${round}`)
      await Promise.all([
        bob.waitForLine(`from alice ${line} in ${round}`),
        alice.waitForLine(`from bob ${line} in ${round}`),
      ])
    }
    for (const peer of [alice, bob])
      assert.ok(!peer.stderr.some(line => /( left|lost the connection)/.test(line)), peer.transcript())
    await bob.stop()
    // Control. On a busy machine the goodbye may come too late for `left`.
    const notice = await alice.waitForLine(/( left|lost the connection)/, { stream: 'stderr' })
    assert.match(notice, /^info> (bob left|lost the connection to bob: .*)$/)
    await alice.stop()
  }
})
