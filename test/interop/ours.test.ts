import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { addressOf, hasMulticast, startOriginal } from '../helper/original-peer.js'
import { freeNames, localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Ours and the original program, in one conversation.

const BOUND = { timeout: 240_000 }

interface Place {
  /** Its address, or its name where it is found by name. */
  readonly at: string
  readonly names: readonly string[]
  readonly data: string
}

async function startOurs(t: TestContext, { at, names, data }: Place, me = 'ours'): Promise<Child> {
  return at.includes(':')
    ? openChat(t, { me, listen: at, peers: names, data })
    : openChat(t, { me: at, peers: names, data })
}

async function startTheirs(t: TestContext, { at, names, data }: Place, username = 'theirs'): Promise<Child> {
  const original = startOriginal(t, { me: at, peers: names, data, ...(at.includes(':') && { username }) })
  await original.waitForLine('info> listening as')
  return original
}

/** What an original has printed of the conversation. */
const saidIn = (original: Child): string[] => original.stdout.filter(line => !line.startsWith('info> '))

async function stop(peer: Child): Promise<void> {
  await peer.stop()
}

/** Both say something, both hear it; then each is started anew, while the other goes on. */
async function conversation(t: TestContext, ourPlace: Place, theirPlace: Place, isOursFirst: boolean): Promise<void> {
  const [us, them] = ourPlace.at.includes(':') ? ['ours', 'theirs'] : [ourPlace.at, theirPlace.at]
  let ours: Child
  let theirs: Child
  if (isOursFirst) {
    ours = await startOurs(t, ourPlace)
    theirs = await startTheirs(t, theirPlace)
  } else {
    theirs = await startTheirs(t, theirPlace)
    ours = await startOurs(t, ourPlace)
  }
  ours.type('hello, old one')
  await theirs.waitForLine(`${us}> hello, old one`)
  theirs.type('hello, new one')
  await ours.waitForLine(`${them} (unsigned)> hello, new one`)
  const ourHistory = [`${us}> hello, old one`, `${them} (unsigned)> hello, new one`]
  assert.deepEqual(ours.stdout, ourHistory)
  await theirs.waitForLine(`${them}> hello, new one`)
  assert.deepEqual(saidIn(theirs), [`${us}> hello, old one`, `${them}> hello, new one`])

  // Whoever names the other comes back: an original dials when it starts, ours until it is linked.
  if (theirPlace.names.length > 0 || ourPlace.names.length > 0) {
    await stop(theirs)
    await ours.waitForLine('info> lost the connection to ', { stream: 'stderr' })
    ours.type('are you away?')
    await ours.waitForLine('are you away?')
    theirs = await startTheirs(t, theirPlace)
    await theirs.waitForLine(`${us}> are you away?`)
    assert.deepEqual(
      saidIn(theirs).toSorted(),
      [`${us}> are you away?`, `${us}> hello, old one`, `${them}> hello, new one`].toSorted(),
    )
    theirs.type('back')
    await ours.waitForLine(`${them} (unsigned)> back`)
    assert.equal(ours.stdout.length, 4)
  }

  await stop(ours)
  ours = await startOurs(t, ourPlace)
  await ours.waitForLine('back')
  assert.deepEqual(ours.stdout, [...ourHistory, `${us}> are you away?`, `${them} (unsigned)> back`])
  if (ourPlace.names.length > 0) {
    ours.type('and so am I')
    await theirs.waitForLine(`${us}> and so am I`)
    assert.equal(saidIn(theirs).length, 5)
  }
}

for (const isOursLower of [true, false]) {
  const tie = `where ours has the ${isOursLower ? 'lower' : 'higher'} address`
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

/** A row of peers, each of whom names the one before: `ours` or `theirs`, by the letters of `who`. */
async function row(t: TestContext, who: string): Promise<Child[]> {
  const addresses = (await localAddresses(who.length)).toReversed() // a lower original redials a higher one for ever
  const peers: Child[] = []
  for (const [index, kind] of [...who].entries()) {
    const place: Place = {
      at: addresses[index] ?? '',
      names: addresses.slice(index - 1, index),
      data: await temporaryDirectory(t),
    }
    const name = `${kind}${index}`
    peers.push(kind === 'o' ? await startOurs(t, place, name) : await startTheirs(t, place, name))
  }
  return peers
}

for (const [who, what] of [
  ['tot', 'original - ours - original'],
  ['toot', 'original - ours - ours - original'],
  ['oto', 'ours - original - ours'],
  ['otto', 'ours - original - original - ours'],
] as const) {
  test(`${what}: every line reaches everyone once`, BOUND, async t => {
    const peers = await row(t, who)
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
      const heard = saidIn(peer).map(line => line.replace(/^.*?> /, ''))
      assert.deepEqual(heard, said, `peer ${index}\n${peer.transcript()}`)
    }
  })
}

test('keeps signatures of lines that travel through scuttleup peers', BOUND, async t => {
  const [first, , last] = await row(t, 'oto')
  first?.type('signed')
  assert.equal(await last?.waitForLine('signed'), 'o0> signed')
})
