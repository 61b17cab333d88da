import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freeNames, localAddresses } from '../helper/ports.js'
import { addressOf, hasMulticast, startScuttleup } from '../helper/scuttleup-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Native and scuttleup peers in one conversation.

const BOUND = { timeout: 300_000 }

interface Place {
  /** Its address, or its name if others find it by name. */
  readonly at: string
  readonly names: readonly string[]
  readonly data: string
}

async function startNative(t: TestContext, { at, names, data }: Place, me = 'ours'): Promise<Child> {
  return at.includes(':')
    ? openChat(t, { me, listen: at, peers: names, data })
    : openChat(t, { me: at, peers: names, data })
}

async function startPeer(t: TestContext, { at, names, data }: Place, username = 'theirs'): Promise<Child> {
  const peer = startScuttleup(t, { me: at, peers: names, data, ...(at.includes(':') && { username }) })
  await peer.waitForLine('info> listening as')
  return peer
}

/** The messages that a scuttleup peer printed. */
const messagesOf = (peer: Child): string[] => peer.stdout.filter(line => !line.startsWith('info> '))

async function stop(peer: Child): Promise<void> {
  await peer.stop()
}

/** Both post, both receive; then each is restarted while the other runs. */
async function conversation(t: TestContext, ourPlace: Place, theirSlot: Place, isOursFirst: boolean): Promise<void> {
  const [us, them] = ourPlace.at.includes(':') ? ['ours', 'theirs'] : [ourPlace.at, theirSlot.at]
  let ours: Child
  let theirs: Child
  if (isOursFirst) {
    ours = await startNative(t, ourPlace)
    theirs = await startPeer(t, theirSlot)
  } else {
    theirs = await startPeer(t, theirSlot)
    ours = await startNative(t, ourPlace)
  }
  ours.type('hello, scuttleup peer')
  await theirs.waitForLine(`${us}> hello, scuttleup peer`)
  theirs.type('hello, native peer')
  await ours.waitForLine(`${them} (unsigned)> hello, native peer`)
  const ourHistory = [`${us}> hello, scuttleup peer`, `${them} (unsigned)> hello, native peer`]
  assert.deepEqual(ours.stdout, ourHistory)
  await theirs.waitForLine(`${them}> hello, native peer`)
  assert.deepEqual(messagesOf(theirs), [`${us}> hello, scuttleup peer`, `${them}> hello, native peer`])

  // The one that names the other reconnects: a scuttleup peer dials when it starts, a native one until it is connected.
  if (theirSlot.names.length > 0 || ourPlace.names.length > 0) {
    await stop(theirs)
    await ours.waitForLine('info> lost the connection to ', { stream: 'stderr' })
    ours.type('are you away?')
    await ours.waitForLine('are you away?')
    theirs = await startPeer(t, theirSlot)
    await theirs.waitForLine(`${us}> are you away?`)
    assert.deepEqual(
      messagesOf(theirs).toSorted(),
      [`${us}> are you away?`, `${us}> hello, scuttleup peer`, `${them}> hello, native peer`].toSorted(),
    )
    theirs.type('back')
    await ours.waitForLine(`${them} (unsigned)> back`)
    assert.equal(ours.stdout.length, 4)
  }

  await stop(ours)
  ours = await startNative(t, ourPlace)
  await ours.waitForLine('back')
  assert.deepEqual(ours.stdout, [...ourHistory, `${us}> are you away?`, `${them} (unsigned)> back`])
  if (ourPlace.names.length > 0) {
    ours.type('and so am I')
    await theirs.waitForLine(`${us}> and so am I`)
    assert.equal(messagesOf(theirs).length, 5)
  }
}

for (const isOursLower of [true, false]) {
  const tie = `where the native peer has the ${isOursLower ? 'lower' : 'higher'} address`
  const places = async (t: TestContext) => {
    const [low = '', high = ''] = await localAddresses(2)
    const [at, theirAt] = isOursLower ? [low, high] : [high, low]
    const place = async (where: string, ...names: readonly string[]): Promise<Place> => ({
      at: where,
      names,
      data: await temporaryDirectory(t),
    })
    return { at, theirAt, place }
  }

  test(`dials a scuttleup peer, ${tie}`, BOUND, async t => {
    const { at, theirAt, place } = await places(t)
    await conversation(t, await place(at, theirAt), await place(theirAt), false)
  })

  test(`accepts a scuttleup peer, ${tie}`, BOUND, async t => {
    const { at, theirAt, place } = await places(t)
    await conversation(t, await place(at), await place(theirAt, at), true)
  })

  test(`settles on one connection when both dial, ${tie}`, BOUND, async t => {
    const { at, theirAt, place } = await places(t)
    await conversation(t, await place(at, theirAt), await place(theirAt, at), true)
  })

  test(`waits for a scuttleup peer that starts later, ${tie}`, BOUND, async t => {
    const { at, theirAt, place } = await places(t)
    await conversation(t, await place(at, theirAt), await place(theirAt), true)
  })

  test(`finds a scuttleup peer by name, ${tie}`, BOUND, async t => {
    if (!(await hasMulticast())) return t.skip('multicast does not come back on this machine')
    const [low, high] = await freeNames('alice', 'bob')
    const [us, them] = isOursLower ? [low, high] : [high, low]
    assert.equal(addressOf(us) < addressOf(them), isOursLower)
    await conversation(
      t,
      { at: us, names: [them], data: await temporaryDirectory(t) },
      { at: them, names: [us], data: await temporaryDirectory(t) },
      true,
    )
  })
}

/** A row of peers, each of which names the one before. `kinds` has an `n` per native peer and an `s` per scuttleup peer. */
async function row(t: TestContext, kinds: string): Promise<Child[]> {
  const addresses = (await localAddresses(kinds.length)).toReversed() // a scuttleup peer redials those with a higher address for ever
  const peers: Child[] = []
  for (const [index, kind] of [...kinds].entries()) {
    const place: Place = {
      at: addresses[index] ?? '',
      names: addresses.slice(index - 1, index),
      data: await temporaryDirectory(t),
    }
    const name = `${kind}${index}`
    peers.push(kind === 'n' ? await startNative(t, place, name) : await startPeer(t, place, name))
  }
  return peers
}

for (const [kinds, what] of [
  ['sns', 'scuttleup - native - scuttleup'],
  ['snns', 'scuttleup - native - native - scuttleup'],
  ['nsn', 'native - scuttleup - native'],
  ['nssn', 'native - scuttleup - scuttleup - native'],
] as const) {
  test(`${what}: every line reaches everyone once`, BOUND, async t => {
    const peers = await row(t, kinds)
    const said: string[] = []
    for (let round = 1; round <= 2; round++) {
      for (const [index, peer] of peers.entries()) {
        const line = `round ${round} by ${index}`
        peer.type(line)
        said.push(line)
        for (const each of peers) await each.waitForLine(line)
      }
    }
    for (const [index, peer] of peers.entries()) {
      const heard = messagesOf(peer).map(line => line.replace(/^.*?> /, ''))
      assert.deepEqual(heard, said, `peer ${index}\n${peer.transcript()}`)
    }
  })
}

test('keeps signatures of lines that travel through scuttleup peers', BOUND, async t => {
  const [first, , last] = await row(t, 'nsn')
  first?.type('signed')
  assert.equal(await last?.waitForLine('signed'), 'n0> signed')
})
