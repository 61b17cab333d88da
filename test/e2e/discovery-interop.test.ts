// Interop with the discovery packages of scuttleup chat, each in a separate process, because their errors end it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { networkInterfaces } from 'node:os'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { Discovery } from '../../src/net/lan/mdns/discovery.js'
import { isLoopback, usableInterfaces } from '../../src/net/lan/mdns/interfaces.js'
import { PATIENCE_MS } from '../helper/patience.js'

const require = createRequire(import.meta.url)

/** Those packages use one interface, that of the default route. */
const hasNetwork = usableInterfaces(networkInterfaces()).some(each => !isLoopback(each))
const options = { skip: hasNetwork ? false : 'no network interface besides loopback', timeout: 300_000 }

/** Starts `program`, in which `run` is the package's function. Resolves with its first line. */
async function runPackage(t: TestContext, name: string, program: string): Promise<string> {
  const code = `const run = require(${JSON.stringify(require.resolve(name))}); ${program}`
  const child = spawn(process.execPath, ['--input-type=commonjs', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  const [said] = await once(child.stdout, 'data')
  return String(said).trim()
}

function open(t: TestContext) {
  const discovery = new Discovery({
    clock: systemClock,
    random: systemRandom.number,
    onEvent: event => assert.fail(event.kind),
  })
  t.after(() => discovery.close())
  return discovery
}

test('lookup-multicast-dns finds the name that we announce', options, async t => {
  const discovery = open(t)
  discovery.announce({ name: `Alice-${process.pid}` })
  const found = await runPackage(
    t,
    'lookup-multicast-dns',
    `run('Alice-${process.pid}.local', (error, address) => console.log(error ? error.message : address))`,
  )
  assert.ok(
    discovery.interfaces.some(({ address }) => address === found),
    found,
  )
  const missed = await runPackage(
    t,
    'lookup-multicast-dns',
    `run('nobody-${process.pid}.local', (error, address) => console.log(error ? error.message : address))`,
  )
  assert.equal(missed, 'Query timed out', 'control')
})

test('finds the name that register-multicast-dns announces', options, async t => {
  const discovery = open(t)
  const name = `Bob-${process.pid}`
  assert.deepEqual(await discovery.lookup(name, 300), [], 'control: not before')
  await runPackage(t, 'register-multicast-dns', `run('${name}'); console.log('ready')`)
  const found = await discovery.lookup(`${name}.local`, PATIENCE_MS)
  assert.ok(
    found.some(address => discovery.interfaces.some(each => each.address === address)),
    found.join(),
  )
})
