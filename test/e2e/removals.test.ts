// Removals from a private room, with real processes.
import assert from 'node:assert/strict'
import { availableParallelism, loadavg } from 'node:os'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { Stopwatch } from '../helper/stopwatch.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const LINES = 1_000
/** Longest time from a connection with a peer that has the removal until the removal takes effect. */
const EFFECT_MS_MAX = 1_000

async function world(t: TestContext) {
  const data = await temporaryDirectory(t)
  const [a = '', b = '', c = ''] = await localAddresses(3)
  const addresses = { alice: a, bob: b, carol: c }
  const run = async (...args: readonly string[]): Promise<string[]> => {
    const child = startChat(t, [...args, '--data', data])
    const { code } = await child.exited
    assert.equal(code, 0, child.transcript())
    return child.stdout
  }
  const chat = (me: keyof typeof addresses, ...peers: readonly string[]): Promise<Child> =>
    openChat(t, { me, listen: addresses[me], peers, data, options: ['--room', 'ops', '--no-discovery'] })
  /** Ends the screen and the node. */
  const end = async (me: string, screen: Child): Promise<void> => {
    await screen.stop('SIGTERM')
    await run('stop', me).catch(() => {})
  }
  await run('room', 'new', 'alice', 'ops', '--no-rescue')
  const alice = await chat('alice')
  for (const [me, role] of [
    ['bob', 'member'],
    ['carol', 'host'],
  ] as const) {
    const [code = ''] = await run('invite', 'alice', 'ops', '--as', role)
    await run('join', me, code, a, '--no-discovery', '--listen', addresses[me])
  }
  return { data, run, chat, end, alice, addresses }
}

/** Types many lines at once. */
const typeAll = (screen: Child, text: string): void =>
  screen.type(Array.from({ length: LINES }, (_, line) => `${text} ${line}`).join('\n'))

test(
  'a removal takes effect at once: nothing reaches the removed member, and nothing of theirs is shown',
  BOUND,
  async t => {
    const { run, chat, end, alice, addresses } = await world(t)
    const carol = await chat('carol', addresses.alice)
    const before = await chat('bob', addresses.alice, addresses.carol)
    before.type('before')
    await carol.waitForLine('bob> before')
    await end('bob', before)
    await run('remove', 'alice', 'ops', 'bob')
    await carol.waitForLine('alice removed bob', { stream: 'stderr' })
    typeAll(alice, 'secret')
    await carol.waitForLine(`alice> secret ${LINES - 1}`)

    // Bob is alone, and does not know of the removal.
    const alone = await chat('bob')
    typeAll(alone, 'unheard')
    await alone.waitForLine(`bob> unheard ${LINES - 1}`)
    await end('bob', alone)

    const bob = await chat('bob', addresses.carol)
    const stopwatch = new Stopwatch()
    await bob.waitForLine('alice removed you from this room', { stream: 'stderr' })
    const tookMs = stopwatch.ms
    t.diagnostic(`bob learned of it ${Math.round(tookMs)} ms after he listened`)
    typeAll(alice, 'further')
    await carol.waitForLine(`alice> further ${LINES - 1}`)
    bob.type('does anybody hear me')
    await bob.waitForLine('you are no longer a member of this room', { stream: 'stderr' })
    assert.deepEqual(
      bob.stdout.filter(line => /secret|further/.test(line)),
      [],
    )
    for (const screen of [alice, carol])
      assert.deepEqual(
        screen.stdout.filter(line => /unheard|hear me/.test(line)),
        [],
      )
    assert.ok(carol.stdout.includes('bob> before'), 'control: what bob wrote before is shown')
    const isBusy = (loadavg()[0] ?? 0) > availableParallelism()
    assert.ok(tookMs < EFFECT_MS_MAX || isBusy, `${tookMs} ms`)
  },
)

test('a member who slept through ten removals is not locked out', BOUND, async t => {
  const { run, chat, alice, addresses } = await world(t)
  const members = (await run('members', 'alice', 'ops', '--json')).map(line => JSON.parse(line))
  const carol = String(members.find(({ role }) => role === 'host').key)
  for (let times = 0; times < 10; times++) {
    await run('remove', 'alice', 'ops', carol)
    if (times < 9) await run('admit', 'alice', 'ops', carol)
  }
  alice.type('you missed a lot')
  await alice.waitForLine('alice> you missed a lot')
  const bob = await chat('bob', addresses.alice)
  await bob.waitForLine('alice> you missed a lot')
  bob.type('I am here')
  await alice.waitForLine('bob> I am here')
  assert.deepEqual(await run('members', 'bob', 'ops', '--json'), await run('members', 'alice', 'ops', '--json'))
})

test(
  'lines beyond the end of a membership are named by the face that showed them, and gone elsewhere',
  BOUND,
  async t => {
    const { data, run, chat, end, alice, addresses } = await world(t)
    const options = ['--room', 'ops', '--no-discovery', '--json']
    const carol = await openChat(t, { me: 'carol', listen: addresses.carol, peers: [addresses.alice], data, options })
    await end('alice', alice)
    const bob = await chat('bob', addresses.carol)
    bob.type('late')
    const line = JSON.parse(await carol.waitForLine('"message":"late"'))
    await end('bob', bob)
    await run('remove', 'alice', 'ops', 'bob')
    await chat('alice', addresses.carol)
    const withdrawn = JSON.parse(await carol.waitForLine('"event":"withdrawn"'))
    assert.deepEqual([withdrawn.author, withdrawn.seq, withdrawn.count], [line.author, line.seq, 1])
    assert.ok(!(await run('log', 'carol', '--room', 'ops')).some(each => each.includes('late')))
  },
)

test('rooms does not count lines beyond the end of a membership', BOUND, async t => {
  const { data, run, chat, end, alice, addresses } = await world(t)
  const node = startChat(t, [
    'node',
    'carol',
    addresses.alice,
    '--room',
    'ops',
    '--data',
    data,
    '--no-discovery',
    '--listen',
    addresses.carol,
  ])
  await node.waitForLine('listening on', { stream: 'stderr' })
  const unread = async (): Promise<number> => {
    const rooms = (await run('rooms', 'carol', '--json')).map(line => JSON.parse(line))
    return rooms.find(({ room }) => room === 'ops').unread
  }
  const becomes = async (count: number): Promise<void> => {
    while ((await unread()) !== count);
  }
  const bob = await chat('bob', addresses.alice, addresses.carol)
  bob.type('before')
  await alice.waitForLine('bob> before')
  await becomes(1)
  await end('alice', alice)
  bob.type('late\nlater')
  await becomes(3) // control: they count until the removal is known
  await end('bob', bob)
  await run('remove', 'alice', 'ops', 'bob')
  await chat('alice', addresses.carol)
  await becomes(1)
})
