// Findings of `doctor` in network namespaces, each with one fault.
import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CHAT_PROGRAM } from '../helper/chat-process.js'
import { type Host, Network, noHosts } from '../helper/network.js'
import { startScuttleupIn } from '../helper/scuttleup-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const ODD_PEER = fileURLToPath(new URL('../helper/odd-peer.js', import.meta.url))

const BOUND = { timeout: 300_000, skip: noHosts ?? false }

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly what: string
  readonly next: string
}

async function world(t: TestContext) {
  const data = await temporaryDirectory(t)
  const network = new Network(t)
  const directory = (host: Host) => `${data}/${host.address}`
  const chat = (host: Host, ...args: readonly string[]) => host.chat(args, directory(host))
  const doctor = async (host: Host, ...args: readonly string[]) => {
    const child = host.start(process.execPath, [CHAT_PROGRAM, 'doctor', ...args, '--json', '--data', directory(host)])
    const { code } = await child.exited
    const { ok, findings }: { ok: boolean; findings: Finding[] } = JSON.parse(child.stdout.join('\n'))
    assert.equal(code, ok ? 0 : 1, child.transcript())
    for (const each of findings) assert.equal(each.ok, each.next === '', 'each fault has a next step')
    return { wrong: findings.filter(each => !each.ok), findings }
  }
  return { network, chat, doctor, directory }
}

/** Asserts that exactly these checks report faults, with these texts. */
function onlyWrong(
  { wrong }: { wrong: readonly Finding[] },
  ...expected: readonly (readonly [string, RegExp])[]
): void {
  assert.deepEqual(
    wrong.map(({ check }) => check),
    expected.map(([check]) => check),
    JSON.stringify(wrong, null, 1),
  )
  for (const [i, [, what]] of expected.entries()) assert.match(wrong[i]?.what ?? '', what)
}

/** Starts a program that listens on a port, and sends `says` to everyone who connects. */
async function holdPort(host: Host, port: number, says = ''): Promise<void> {
  const program = `require('net').createServer(s => s.on('error', () => {}).end(${JSON.stringify(says)})).listen(${port}, () => console.log('up'))`
  await host.start(process.execPath, ['-e', program]).waitForLine('up')
}

test('reports nothing wrong between two peers that discover each other', BOUND, async t => {
  const { network, chat, doctor } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const bob = await chat(two, 'bob')
  await bob.waitForLine('announced as', { stream: 'stderr' })
  const { wrong, findings } = await doctor(one, 'alice', 'bob', '10.77.0.2:62474')
  assert.deepEqual(wrong, [])
  assert.match(
    findings.find(({ check }) => check === 'others')?.what ?? '',
    /^in the room lobby: bob at 10\.77\.0\.2:62474/,
  )
  assert.match(
    findings.find(({ what }) => what.startsWith('eth0 (10.77.0.1)'))?.what ?? '',
    /multicast works, \d other hosts? heard/,
  )
  assert.deepEqual(
    bob.stderr.filter(line => /connect|warn/.test(line)),
    [],
    'the probed peer reports nothing',
  )
  const running = await doctor(two, 'bob')
  assert.deepEqual(running.wrong, [], 'a running chat is no fault')
})

test('reports that only loopback is up, or nothing', BOUND, async t => {
  const { network, doctor } = await world(t)
  const lonely = network.host(1, { isAlone: true })
  onlyWrong(await doctor(lonely, 'alice'), ['interfaces', /no network interface is up except loopback/])
  lonely.run('ip', 'link', 'set', 'lo', 'down')
  const { wrong } = await doctor(lonely, 'alice')
  assert.match(wrong[0]?.what ?? '', /no network interface is up, not even loopback/)
})

test('reports that another program uses the multicast DNS port', BOUND, async t => {
  const { network, doctor } = await world(t)
  const one = network.host(1)
  const program = "require('dgram').createSocket('udp4').bind(5353, () => console.log('up'))"
  await one.start(process.execPath, ['-e', program]).waitForLine('up')
  onlyWrong(await doctor(one, 'alice'), ['multicast', /UDP port 5353 is unavailable \(EADDRINUSE\)/])
})

test('reports that another program, or a chat with another key, uses our port', BOUND, async t => {
  const { network, chat, doctor, directory } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  await holdPort(one, 55204, 'HTTP/1.1 400 Bad Request\r\n\r\n')
  onlyWrong(await doctor(one, 'alice'), [
    'port',
    /port 55204, which belongs to the name alice, is in use by another program/,
  ])
  await two.chat(['carol', '--listen', '55204', '10.77.0.9:1'], `${directory(two)}/other`)
  onlyWrong(await doctor(two, 'alice'), ['port', /in use by a chat with another key \([0-9a-f]{8}…\)/])
  await chat(two, 'dave', '--no-discovery')
  onlyWrong(await doctor(two, 'dave'), ['port', /dave is running on port 8668, but not announced/])
})

test('reports that a peer with another key has our name', BOUND, async t => {
  const { network, chat, doctor } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const other = await chat(two, 'alice')
  await other.waitForLine('announced as', { stream: 'stderr' })
  onlyWrong(await doctor(one, 'alice'), ['name', /another peer is named alice here too, with the key [0-9a-f]{8}…/])
})

test('reports why a peer cannot be reached', BOUND, async t => {
  const { network, chat, doctor } = await world(t)
  const [one, two, three] = [network.host(1), network.host(2), network.host(3)]
  await chat(three, 'carol', '10.77.0.9:1')
  three.dropPacketsFrom(one)
  await holdPort(two, 4000, 'SSH-2.0-OpenSSH_9.6\r\n')
  one.run('ip', 'route', 'del', 'default')
  onlyWrong(
    await doctor(
      one,
      'alice',
      'bob',
      'nowhere.local:4000',
      '10.77.0.2:4001',
      '10.77.0.3:50000',
      '10.99.0.1:4000',
      '10.77.0.2:4000',
    ),
    ['peer', /^bob: no one on this network answers to that name/],
    ['peer', /^nowhere.local:4000: no one on this network answers/],
    ['peer', /^10\.77\.0\.2:4001: nothing is listening there/],
    ['peer', /^10\.77\.0\.3:50000: no answer/],
    ['peer', /^10\.99\.0\.1:4000: the network is unreachable/],
    ['peer', /^10\.77\.0\.2:4000: another program is listening there/],
  )
})

test('reports that a peer is in another room, or has our key', BOUND, async t => {
  const { network, chat, doctor, directory } = await world(t)
  const [one, two, three] = [network.host(1), network.host(2), network.host(3)]
  const bob = await chat(two, 'bob', '--room', 'ops', '--listen', '4000')
  await bob.waitForLine('announced as', { stream: 'stderr' })
  onlyWrong(
    await doctor(one, 'alice', 'bob', '10.77.0.2:4000'),
    ['peer', /^bob is here, but not in the room lobby/],
    ['peer', /^10\.77\.0\.2:4000: not in the room lobby/],
  )
  const twin = await chat(three, 'alice', '--listen', '4000')
  await twin.waitForLine('announced as', { stream: 'stderr' })
  await cp(`${directory(three)}/alice/key`, `${directory(one)}/alice/key`, { recursive: true })
  onlyWrong(await doctor(one, 'alice', '10.77.0.3:4000'), ['peer', /has your key/])
})

test('reports a peer of another version, and one with a wrong clock', BOUND, async t => {
  const { network, doctor } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const day = 24 * 3_600_000
  for (const [port, version, aheadMs] of [
    [4000, 3, 0],
    [4001, 2, day],
    [4002, 2, -day],
    [4003, 2, 60_000],
  ] as const)
    await two.start(process.execPath, [ODD_PEER, String(port), String(version), String(aheadMs)]).waitForLine('up')
  onlyWrong(
    await doctor(one, 'alice', ...[4000, 4001, 4002, 4003].map(port => `10.77.0.2:${port}`)),
    ['peer', /^10\.77\.0\.2:4000: speaks version 3 of the protocol, this program version 2$/],
    ['peer', /^10\.77\.0\.2:4001: its clock is 24 hours ahead of yours$/],
    ['peer', /^10\.77\.0\.2:4002: its clock is 24 hours behind yours$/],
  )
})

test('reports that our address is unreachable though we can listen', BOUND, async t => {
  const { network, doctor } = await world(t)
  const one = network.host(1)
  await one.start('ip', ['route', 'del', 'table', 'local', 'local', one.address]).exited
  const { wrong } = await doctor(one, 'alice')
  assert.ok(
    wrong.some(({ check, what }) => check === 'port' && what.includes(one.address)),
    JSON.stringify(wrong),
  )
})

test('accepts a scuttleup peer in the lobby, and reports it in another room', BOUND, async t => {
  const { network, doctor, directory } = await world(t)
  const [one, two] = [network.host(1), network.host(2)]
  const dave = startScuttleupIn(two, { me: 'dave', data: `${directory(two)}-dave` })
  await dave.waitForLine('info> listening')
  const { wrong, findings } = await doctor(one, 'alice', 'dave')
  assert.deepEqual(wrong, [])
  assert.match(findings.at(-1)?.what ?? '', /^dave \(10\.77\.0\.2:8668\): a scuttleup peer/)
  onlyWrong(await doctor(one, 'alice', '10.77.0.2:8668', '--room', 'ops'), [
    'peer',
    /a scuttleup peer, which supports no rooms/,
  ])
  dave.type('still there')
  await dave.waitForLine('still there')
})
