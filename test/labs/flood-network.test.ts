import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../src/base/clock.js'
import { CONNECTIONS_MAX, WAITING_BYTES_MAX } from '../../src/labs/flood/limits.js'
import { FloodNetwork } from '../../src/labs/flood/network.js'

// One client and misbehaving peers, with real connections.

const BOUND = { timeout: 300_000 }
const HOST = '127.0.0.1'

/** What a client reports, and a way to wait for it. */
class Client {
  readonly printed: string[] = []
  readonly ended: (string | undefined)[] = []
  #onChange: (() => void)[] = []
  readonly #onReport = (): void => {
    for (const tell of this.#onChange.splice(0)) tell()
  }
  readonly network = new FloodNetwork(systemClock, {
    onPrint: text => {
      this.printed.push(text)
      this.#onReport()
    },
    onClosed: (_left, reason) => {
      this.ended.push(reason)
      this.#onReport()
    },
    onFull: () => assert.fail('full'),
  })

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>(resolve => this.#onChange.push(resolve))
  }
}

async function open(t: TestContext): Promise<{ client: Client; port: number }> {
  const client = new Client()
  t.after(() => client.network.close())
  return { client, port: await client.network.listen(HOST, 0) }
}

async function stranger(t: TestContext, port: number): Promise<net.Socket> {
  const socket = net.connect({ host: HOST, port })
  socket.on('error', () => {})
  t.after(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

test('forwards texts in both directions, whoever opened the connection', BOUND, async t => {
  const [alice, bob, carol] = [await open(t), await open(t), await open(t)]
  assert.equal(await bob.client.network.connect({ host: HOST, port: alice.port }), HOST)
  assert.equal(await carol.client.network.connect({ host: HOST, port: bob.port }), HOST)
  const silent = await stranger(t, bob.port)
  silent.resume()
  carol.client.network.typed('from carol')
  await alice.client.until(() => alice.client.printed.length === 1)
  alice.client.network.typed('from alice')
  for (const { client } of [alice, bob, carol]) await client.until(() => client.printed.length === 2)
})

test('reports that no one answers at an unused port', BOUND, async t => {
  const { client, port } = await open(t)
  const gone = await open(t)
  await gone.client.network.close()
  assert.equal(await client.network.connect({ host: HOST, port: gone.port }), undefined)
  await assert.rejects(new Client().network.listen(HOST, port), { code: 'SWARM_PORT_TAKEN' })
})

test('disconnects a peer that sends a line without end', BOUND, async t => {
  const { client, port } = await open(t)
  const socket = await stranger(t, port)
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  let megabytes = 0
  const write = (): void => {
    while (megabytes < 1024 && !socket.destroyed) {
      megabytes++
      if (!socket.write(megabyte)) return
    }
  }
  socket.on('drain', write)
  write()
  await new Promise(resolve => socket.on('close', resolve))
  await client.until(() => client.ended.length === 1)
  assert.deepEqual(client.ended, ['it sent a line of over 4096 bytes'])
  assert.ok(megabytes < 64, `${megabytes} MiB were taken`)
})

test('disconnects a peer that does not read, and still sends everything to the others', BOUND, async t => {
  const { client, port } = await open(t)
  const deaf = await stranger(t, port)
  deaf.pause()
  const bob = await open(t)
  await bob.client.network.connect({ host: HOST, port })
  bob.client.network.typed('bob is here')
  await client.until(() => client.printed.length === 1)
  const lines = Math.ceil((16 * WAITING_BYTES_MAX) / 4_000)
  for (let line = 0; line < lines; line++) {
    client.network.typed(`${line} ${'x'.repeat(4_000)}`)
    await bob.client.until(() => bob.client.printed.length > line - 20)
    // All clients run in one process and take turns.
    if (line % 20 === 0) await new Promise(setImmediate)
  }
  await bob.client.until(() => bob.client.printed.length === lines + 1)
  assert.deepEqual(client.ended, ['it does not read'])
})

test('slows down the input for a peer that reads slowly', BOUND, async t => {
  const { client, port } = await open(t)
  const slow = await stranger(t, port)
  slow.pause()
  let typed = 0
  let isReady = true
  while (isReady && typed < 10_000) {
    client.network.typed(`${typed++} ${'x'.repeat(4_000)}`)
    isReady = await Promise.race([
      client.network.ready().then(() => true),
      new Promise<boolean>(resolve => setImmediate(resolve, false)),
    ])
  }
  assert.equal(isReady, false)
  assert.equal(client.network.connections, 1)
  const ready = client.network.ready()
  slow.resume()
  await ready
  assert.deepEqual(client.ended, [])
})

test('accepts no more connections than the limit when 500 connect, and keeps working', BOUND, async t => {
  const { client, port } = await open(t)
  const first = await stranger(t, port)
  let heard = ''
  first.setEncoding('utf8').on('data', chunk => {
    heard += chunk
  })
  const sockets = await Promise.all(Array.from({ length: 499 }, () => stranger(t, port)))
  const refused = 500 - CONNECTIONS_MAX
  let closed = 0
  await new Promise<void>(resolve => {
    for (const socket of sockets) socket.resume().on('close', () => void (++closed === refused && resolve()))
  })
  assert.equal(client.network.connections, CONNECTIONS_MAX)
  client.network.typed('still here')
  while (!heard.includes('still here\n')) await once(first, 'data')
})
