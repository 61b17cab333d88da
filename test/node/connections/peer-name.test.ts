import assert from 'node:assert/strict'
import test from 'node:test'
import { addressOfName } from '../../../src/compat/scuttleup/hashed-port.js'
import { distinctPeers, namedPeer } from '../../../src/node/connections/peer-name.js'

const named = (text: string) => namedPeer(text, 'alice', 'localhost:4000')

test('reads bob.local without a port as bob', () => {
  for (const text of ['bob', 'bob.local', 'bob.LOCAL', 'bob.local.'])
    assert.deepEqual(named(text), { name: 'bob', address: addressOfName('bob') })
  assert.equal(named('bob.local:4000').address.port, 4000, 'control: with a port it is an address')
})

test('names the address to write for a host without a port', () => {
  const hint = /bob\.example:4000/
  assert.throws(() => named('bob.example'), { code: 'BAD_NAME', hint })
})

test('ignores case in peer names', () => {
  const peers = ['bob', 'BOB', 'Bob.local', 'carol', 'localhost:3001', 'LOCALHOST:3001'].map(named)
  assert.deepEqual(
    distinctPeers(peers).map(({ name }) => name),
    ['bob', 'carol', 'localhost:3001'],
  )
  assert.throws(() => named('Alice'), { code: 'BAD_USAGE' })
})
