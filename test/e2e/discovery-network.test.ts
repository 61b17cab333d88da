import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import test, { type TestContext } from 'node:test'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import type { NetEvent } from '../../src/net/events.js'
import { Discovery } from '../../src/net/lan/mdns/discovery.js'
import type { NetworkInterfaces } from '../../src/net/lan/mdns/interfaces.js'
import { PATIENCE_MS } from '../helper/patience.js'

const lo = [{ address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4' }]
/** An address that no machine has (RFC 5737), so that joining the multicast group on it fails. */
const ghost = [{ address: '198.51.100.7', netmask: '255.255.255.0', family: 'IPv4' }]

/** A discovery on a separate port, whose interfaces the test sets and whose scans it triggers. */
async function world(t: TestContext, first: NetworkInterfaces) {
  const running = setInterval(() => {}, 60_000) // as a listening server does: our timers do not keep a process running
  t.after(() => clearInterval(running))
  const blocker = createSocket('udp4').bind(0)
  await once(blocker, 'listening')
  const { port } = blocker.address()
  const free = () => new Promise<void>(resolve => blocker.close(resolve))
  let interfaces = first
  let scan = () => {}
  let changes = 0
  const events: NetEvent[] = []
  const clock: Clock = {
    now: systemClock.now,
    after: (ms, action) => {
      if (ms !== 2_000) return systemClock.after(ms, action)
      scan = action
      return () => {
        scan = () => assert.fail('a scan after closing')
      }
    },
  }
  const open = () => {
    const discovery = new Discovery({
      clock,
      random: systemRandom.number,
      port,
      onEvent: event => events.push(event),
      onChange: () => changes++,
      networkInterfaces: () => interfaces,
    })
    t.after(() => discovery.close())
    discovery.announce({ name: 'alice' })
    return discovery
  }
  const become = (next: NetworkInterfaces) => {
    interfaces = next
    scan()
  }
  return { open, free, port, events, become, changes: () => changes }
}

test('warns once without an interface, is found when the network is back, and warns again', async t => {
  const { open, free, events, become, changes } = await world(t, {})
  await free()
  const discovery = open()
  become({})
  become({})
  assert.deepEqual(events, [{ kind: 'no-interface' }])
  assert.deepEqual(await discovery.lookup('alice', 50), [])
  assert.deepEqual([discovery.interfaces, changes()], [[], 0])

  become({ lo })
  assert.deepEqual(await discovery.lookup('alice', PATIENCE_MS), ['127.0.0.1'])
  assert.deepEqual([discovery.interfaces, changes()], [[{ name: 'lo', address: '127.0.0.1' }], 1])
  become({ lo })
  assert.deepEqual([events.length, changes()], [1, 1])

  become({})
  become({})
  assert.deepEqual([discovery.interfaces, changes(), events.length], [[], 2, 2])
})

test('warns once about an interface without multicast, and uses the others', async t => {
  const { open, free, events, become, changes } = await world(t, { lo, ghost })
  await free()
  const discovery = open()
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await discovery.lookup('alice', PATIENCE_MS), ['127.0.0.1'])
    become({ lo, ghost })
  }
  const [failed, ...more] = events
  assert.ok(failed?.kind === 'multicast-failed' && /^E[A-Z]+$/.test(failed.code))
  assert.deepEqual([failed.interface, failed.address, more], ['ghost', '198.51.100.7', []])
  assert.deepEqual([discovery.interfaces, changes()], [[{ name: 'lo', address: '127.0.0.1' }], 0])
})

test('warns once if another program uses the port, and works once it has stopped', async t => {
  const { open, free, port, events, become } = await world(t, { lo, ghost })
  const discovery = open()
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await discovery.lookup('alice', 50), [])
    become({ lo, ghost })
  }
  assert.deepEqual(events, [{ kind: 'multicast-port-unavailable', port, code: 'EADDRINUSE' }])
  await discovery.lookup('alice', 50)
  await free()
  become({ lo })
  assert.deepEqual(await discovery.lookup('alice', PATIENCE_MS), ['127.0.0.1'])
  assert.equal(events.length, 1)
})

/** Runs a program on our build in a separate process, which is killed after `timeoutMs`. */
function run(
  program: string,
  { timeoutMs = PATIENCE_MS, wrapper = [] }: { timeoutMs?: number; wrapper?: readonly string[] } = {},
) {
  const [file = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '--eval', program]
  return spawnSync(file, args, { encoding: 'utf8', timeout: timeoutMs })
}

const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
const opening = `
  import { networkInterfaces as real } from 'node:os'
  import { Discovery } from ${url('../../src/net/lan/mdns/discovery.js')}
  import { systemClock } from ${url('../../src/base/clock.js')}
  let scan, interfaces, events = 0, longestMs = 0
  const networkInterfaces = () => interfaces ?? real()
  const after = (ms, action) => {
    longestMs = Math.max(longestMs, ms)
    if (ms === 2000) scan = action
    return systemClock.after(ms, action)
  }
  const clock = { now: systemClock.now, after }
  const discovery = new Discovery({ clock, random: Math.random, onEvent: () => events++, networkInterfaces })
  discovery.announce({ name: 'alice-${process.pid}' })
`
/** Asserts that closing sets no long timer. Does not measure the time, because a busy machine delays it. */
const closing = `
  longestMs = 0
  const closed = discovery.close()
  if (discovery.close() !== closed) throw new Error('closing twice is not closing once')
  await closed
  console.log(longestMs < 300 ? 'quick' : 'slow')
`

test('closes without waiting longer than 300 ms for anything, and then lets the process end', () => {
  const program = `${opening}
    await discovery.lookup('alice-${process.pid}', ${PATIENCE_MS})
    void discovery.lookup('nobody-${process.pid}', 600_000)
  `
  const closed = run(program + closing)
  assert.deepEqual([closed.stdout, closed.stderr, closed.status], ['quick\n', '', 0])
  const open = run(program, { timeoutMs: 1_000 })
  assert.equal(open.signal, 'SIGTERM', 'control: an open discovery keeps the process running')
})

test('leaves nothing open when interfaces change while it opens, queries and closes', () => {
  const { stdout, stderr, status } = run(`${opening}
    const lo = ${JSON.stringify(lo)}, ghost = ${JSON.stringify(ghost)}, running = setInterval(() => {}, 60_000)
    for (let i = 0; i < 100; i++) {
      void discovery.lookup('peer' + i, 100)
      interfaces = [{ lo }, { lo, ghost }, {}, { ghost }][i % 4]
      scan()
      if (i % 3 === 0) await discovery.lookup('alice-${process.pid}', 10)
    }
    interfaces = { lo, ghost }
    scan()
    clearInterval(running)
    ${closing}
  `)
  assert.deepEqual([stdout, stderr, status], ['quick\n', '', 0])
})

/** Runs a command in a new network namespace, in which not even loopback is up. */
const NOWHERE = ['unshare', '--map-root-user', '--net']

function canLeaveTheNetwork(): boolean {
  try {
    execFileSync(NOWHERE[0] ?? '', [...NOWHERE.slice(1), 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('continues on a machine without a network, with one warning', { skip: !canLeaveTheNetwork() }, () => {
  const program = `${opening}
    const running = setInterval(() => {}, 60_000)
    for (let i = 0; i < 5; i++) { await discovery.lookup('bob', 30); scan() }
    clearInterval(running)
    ${closing}
    console.log(events)
  `
  const ours = run(program, { wrapper: NOWHERE })
  assert.deepEqual([ours.stdout, ours.stderr, ours.status], ['quick\n1\n', '', 0])
  const lookup = JSON.stringify(createRequire(import.meta.url).resolve('lookup-multicast-dns'))
  const theirs = run(`import lookup from ${lookup}; lookup('bob.local', () => {})`, { wrapper: NOWHERE })
  assert.notEqual(theirs.status, 0, 'control: lookup-multicast-dns exits with an error')
  assert.match(theirs.stderr, /ENODEV|ENETUNREACH/)
})
