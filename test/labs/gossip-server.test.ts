import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { serve } from '../../src/labs/gossip/http-server.js'
import { GOSSIP_CONNECTIONS_MAX } from '../../src/labs/gossip/limits.js'
import type { Port } from '../../src/labs/gossip/rumour.js'

test('answers a request while 1,100 connections idle or send a byte at a time', { timeout: 60_000 }, async t => {
  const answers = { peers: () => ({ peers: [] }), gossip: () => undefined, state: () => ({}) }
  const server = await serve('127.0.0.1', 0 as Port, answers as never)
  t.after(() => server.close())
  const address = server.server.address()
  if (address === null || typeof address === 'string') return assert.fail()
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let count = 0; count < 1_100; count++) {
    const socket = connect(address.port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    if (count % 2 === 0) socket.write('GET /peers/ HTTP/1.1\r\nx')
  }
  const response = await fetch(`http://127.0.0.1:${address.port}/peers/`, { signal: AbortSignal.timeout(2_000) })
  assert.equal(response.status, 200)
  assert.ok(sockets.filter(({ destroyed }) => !destroyed).length <= GOSSIP_CONNECTIONS_MAX)
})
