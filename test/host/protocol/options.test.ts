import assert from 'node:assert/strict'
import test from 'node:test'
import { checkConflict, type NodeOptions, roomOptionsOf } from '../../../src/host/protocol/options.js'

const BASIC: NodeOptions = { isDiscovering: true, isEncryptedOnly: false }

test('reads the options of a room, and rejects malformed ones', () => {
  const options = { ...BASIC, room: 'tea', peers: ['bob'], listen: ':4000', diskBytesMax: 5, direct: 'known' }
  assert.deepEqual(roomOptionsOf(options), options)
  assert.deepEqual(roomOptionsOf({ peers: [], isDiscovering: false }), {
    peers: [],
    isDiscovering: false,
    isEncryptedOnly: false,
  })
  for (const odd of [
    { peers: 'bob' },
    { peers: [1] },
    { room: 1 },
    { listen: 4_000 },
    { isDiscovering: 'no' },
    { isEncryptedOnly: 1 },
    { diskBytesMax: -1 },
    { direct: 'friends' },
  ])
    assert.equal(roomOptionsOf({ ...options, ...odd }), undefined, JSON.stringify(odd))
})

test('names the option of the node that a face contradicts', () => {
  const conflict = (running: object, asked: object): string => {
    try {
      checkConflict('alice', { ...BASIC, ...running }, { ...BASIC, ...asked })
      return ''
    } catch (error) {
      return String(error).replace(/^.* already runs |: persisted-chat stop .*$/g, '')
    }
  }
  const MIB = 1024 * 1024
  assert.equal(conflict({ listen: '4000' }, {}), '')
  assert.equal(conflict({ listen: '4000' }, { listen: ':4000' }), '')
  assert.equal(conflict({ listen: '4000' }, { listen: '4001' }), 'with --listen 4000')
  assert.equal(conflict({}, { listen: '4001' }), 'without --listen')
  assert.equal(conflict({}, { isDiscovering: false }), 'without --no-discovery')
  assert.equal(conflict({ isDiscovering: false }, {}), '')
  assert.equal(conflict({}, { isEncryptedOnly: true }), 'without --encrypted')
  assert.equal(conflict({ isEncryptedOnly: true }, { isEncryptedOnly: true }), '')
  assert.equal(conflict({ diskBytesMax: 8 * MIB }, { diskBytesMax: 9 * MIB }), 'with --max-disk 8')
  assert.equal(conflict({ direct: 'known' }, { direct: 'nobody' }), 'with --direct known')
})
