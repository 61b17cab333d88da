import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }
const DAY_MS = 86_400_000

/** Makes the clock of a process wrong by some days. */
const clockOff = (days: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `const now = Date.now; Date.now = () => now() + ${days * DAY_MS}`,
  )}`,
})

class World {
  readonly #t: TestContext
  readonly #data: string
  readonly #address: string

  constructor(t: TestContext, data: string, address: string) {
    this.#t = t
    this.#data = data
    this.#address = address
  }

  async run(args: readonly string[], env?: Readonly<Record<string, string>>) {
    const child = startChat(this.#t, [...args, '--data', this.#data], env === undefined ? {} : { env })
    const { code } = await child.exited
    return { code, stdout: child.stdout, said: child.stderr.join('\n') }
  }

  async invite(me: string, ...options: readonly string[]): Promise<string> {
    const { stdout, said } = await this.run(['invite', me, 'ops', ...options])
    assert.ok(stdout[0], said)
    return stdout[0]
  }

  join(me: string, code: string, env?: Readonly<Record<string, string>>) {
    const local = ['--no-discovery', '--listen', '127.0.0.1:0', '--timeout', '60']
    return this.run(['join', me, code, this.#address, ...local], env)
  }

  async isRefused(me: string, code: string, line: RegExp, env?: Readonly<Record<string, string>>): Promise<void> {
    const { code: exit, said } = await this.join(me, code, env)
    assert.match(said, line)
    assert.equal(exit, 1, said)
    assert.equal(said.split('\n').filter(each => line.test(each)).length, 1)
  }
}

test('a code that admits nobody says why in one line', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = ''] = await localAddresses(1)
  const world = new World(t, data, a)
  await world.run(['room', 'new', 'alice', 'ops', '--no-rescue'])
  const alice = await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })

  const good = await world.invite('alice')
  const mistyped = `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`
  // Before anything on the network: listening at alice's port would fail.
  const early = await world.run(['join', 'bob', mistyped, '--listen', a])
  assert.deepEqual([early.code, /the code is mistyped/.test(early.said)], [1, true], early.said)
  await world.isRefused('bob', good.slice(0, -5), /a code has 48 characters after PC-, but this one has 44/)
  await world.isRefused('alice', good, /you are a member of ops already/)

  assert.equal((await world.join('bob', good)).code, 0)
  await world.isRefused('bob', good, /you are a member of ops already/)
  await world.isRefused('carol', good, /this code has been used as often as it allows/)

  const withdrawn = await world.invite('alice', '--json')
  const { code, invite } = JSON.parse(withdrawn)
  assert.equal((await world.run(['uninvite', 'alice', 'ops', invite.slice(0, 8)])).code, 0)
  await world.isRefused('carol', code, /this code was revoked/)

  const local = { me: 'bob', listen: '127.0.0.1:0', peers: [a], data, options: ['--room', 'ops'] }
  const bob = await openChat(t, local)
  bob.type('hello')
  await alice.waitForLine('bob> hello')
  const made = await world.invite('bob')
  while (!(await world.run(['invites', 'alice', 'ops'])).stdout.some(line => line.includes('by bob')));
  assert.equal((await world.run(['remove', 'alice', 'ops', 'bob'])).code, 0)
  await world.isRefused('carol', made, /the person who made this code may no longer admit anybody/)

  assert.equal((await world.join('erin', await world.invite('alice'))).code, 0)
  assert.equal((await world.run(['leave', 'erin', 'ops'])).code, 0)
  const back = await world.join('erin', await world.invite('alice'))
  assert.equal(back.code, 0, back.said)
})

test('a code that has expired says so, and whose clock is wrong', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [a = ''] = await localAddresses(1)
  const world = new World(t, data, a)
  await world.run(['room', 'new', 'alice', 'ops', '--no-rescue'])
  const expired = await world.run(['invite', 'alice', 'ops', '--for', '1h'], clockOff(-2))
  const fresh = await world.invite('alice', '--for', '1h')
  await openChat(t, { me: 'alice', listen: a, data, options: ['--room', 'ops'] })
  await world.isRefused('bob', expired.stdout[0] ?? '', /this code expired on 20/)
  assert.equal((await world.join('carol', fresh, clockOff(9))).code, 0, 'the clock of the admitter counts')
  await world.isRefused(
    'dave',
    expired.stdout[0] ?? '',
    /expired by the clock of another member; your clock and theirs differ by 9.0 days, so one of them is wrong/,
    clockOff(-9),
  )
})
