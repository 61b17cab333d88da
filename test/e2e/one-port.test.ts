// The rooms of a user share one port, and one connection with each peer.
import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import test, { type TestContext } from 'node:test'
import { openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { openProxy } from '../helper/proxy.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 180_000, skip: process.platform !== 'linux' }
const LISTENING = '0A'
const ESTABLISHED = '01'

interface Status {
  readonly pid: number
  readonly rooms: readonly { readonly room: string; readonly listen: string; readonly connections: readonly string[] }[]
}

async function statusOf(t: TestContext, me: string, data: string): Promise<Status> {
  const status = startChat(t, ['status', me, '--json', '--data', data])
  await status.exited
  return JSON.parse(status.stdout.join(''))
}

/** Local ports of the TCP sockets of a process in a state. */
async function portsOf(pid: number, state: string): Promise<number[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  const links = await Promise.all(descriptors.map(each => readlink(`/proc/${pid}/fd/${each}`).catch(() => '')))
  const inodes = new Set(links.flatMap(link => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  const tables = await Promise.all(['tcp', 'tcp6'].map(table => readFile(`/proc/${pid}/net/${table}`, 'utf8')))
  const rows = tables.flatMap(table => table.trim().split('\n').slice(1)).map(row => row.trim().split(/\s+/))
  return rows
    .filter(row => row[3] === state && inodes.has(row[9] ?? ''))
    .map(row => Number.parseInt(row[1]?.split(':')[1] ?? '', 16))
}

test('--room beside a running node opens the room on its port and its connections', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const proxy = await openProxy(t, { host: '127.0.0.1', port: Number(a.split(':')[1]) })
  const place = `127.0.0.1:${proxy.address.port}`
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [place], data })
  alice.type('in the lobby')
  await bob.waitForLine('alice> in the lobby')

  const room = 'treasure-hunters'
  const aliceThere = await openChat(t, { me: 'alice', data, options: ['--room', room] })
  const bobThere = await openChat(t, { me: 'bob', data, options: ['--room', room] })
  await bobThere.waitForLine('info> connected to', { stream: 'stderr' })
  aliceThere.type('where is the spade')
  await bobThere.waitForLine('alice> where is the spade')
  bobThere.type('below the oak')
  await aliceThere.waitForLine('bob> below the oak')

  const statuses = await Promise.all(['alice', 'bob'].map(me => statusOf(t, me, data)))
  for (const [index, { pid, rooms }] of statuses.entries()) {
    const listen = index === 0 ? a : b
    assert.deepEqual(rooms.map(each => [each.room, each.listen, each.connections.length]).sort(), [
      ['lobby', listen, 1],
      [room, listen, 1],
    ])
    assert.deepEqual(await portsOf(pid, LISTENING), [Number(listen.split(':')[1])])
    assert.equal((await portsOf(pid, ESTABLISHED)).length, 1)
  }
  const captured = proxy.captured()
  for (const secret of [room, 'in the lobby', 'where is the spade', 'below the oak'])
    assert.ok(!captured.includes(secret), `a proxy sees "${secret}"`)
  assert.ok(captured.includes(b), 'control: addresses are not sealed')

  // A room that is left is closed; the other one goes on.
  await aliceThere.stop('SIGINT')
  await bobThere.waitForLine('alice left', { stream: 'stderr' })
  alice.type('still here')
  await bob.waitForLine('alice> still here')
  assert.equal(bob.stderr.filter(line => line.includes('alice left')).length, 0)
})

test('a room with another --listen than the running node is refused', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  await openChat(t, { me: 'alice', listen: a, data })
  const other = startChat(t, ['alice', '--room', 'ops', '--listen', b, '--no-discovery', '--data', data])
  await other.exited
  assert.match(other.stderr.join('\n'), /alice already runs with --listen/)
})
