import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { type Host, Network, noHosts } from '../helper/network.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000, skip: noHosts }

/** Somebody on a host of their own. */
class Machine {
  readonly host: Host
  readonly me: string
  readonly data: string

  constructor(host: Host, me: string, data: string) {
    this.host = host
    this.me = me
    this.data = data
  }

  static async create(t: TestContext, network: Network, number: number, me: string): Promise<Machine> {
    return new Machine(network.host(number), me, await temporaryDirectory(t))
  }

  start(...args: readonly string[]): Child {
    return this.host.start(process.execPath, [CHAT_PROGRAM, ...args, '--data', this.data])
  }

  async run(...args: readonly string[]): Promise<readonly string[]> {
    const child = this.start(...args)
    const { code } = await child.exited
    assert.equal(code, 0, child.stderr.join('\n'))
    return child.stdout
  }

  open(): Promise<Child> {
    return this.host.chat([this.me, '--room', 'ops'], this.data)
  }

  members(): Promise<readonly string[]> {
    return this.run('members', this.me, 'ops', '--json')
  }
}

test('a code with one use is used in two parts of a network, and everybody is warned when it heals', BOUND, async t => {
  const network = new Network(t)
  const names = ['alice', 'bob', 'carol', 'dave']
  const machines = await Promise.all(names.map((me, index) => Machine.create(t, network, index + 1, me)))
  const [alice, bob, carol, dave] = machines as [Machine, Machine, Machine, Machine]
  await alice.run('room', 'new', 'alice', 'ops', '--no-rescue')
  const chats = [await alice.open()]
  const [first = ''] = await alice.run('invite', 'alice', 'ops')
  await bob.run('join', 'bob', first)
  chats.push(await bob.open())
  const [code = ''] = await alice.run('invite', 'alice', 'ops', '--as', 'member')
  while (!(await bob.run('invites', 'bob', 'ops')).some(line => line.includes('open')));
  // Two partitions: alice and carol, bob and dave.
  const heal = network.split([bob.host, dave.host])
  await Promise.all([carol.run('join', 'carol', code), dave.run('join', 'dave', code)])
  chats.push(await carol.open(), await dave.open())
  heal()
  // A card may arrive after the operation: until then, digits of the key are shown.
  const both = /an invitation for one person let in (carol|dave|[0-9a-f]{8}), (carol|dave|[0-9a-f]{8}):/
  for (const chat of chats) await chat.waitForLine(both, { stream: 'stderr' })
  const members = () => Promise.all(machines.map(machine => machine.members()))
  let seen = await members()
  while (new Set(seen.map(lines => lines.join('\n'))).size > 1) seen = await members()
  assert.equal(seen[0]?.filter(line => JSON.parse(line).key !== undefined).length, 4)
})
