import assert from 'node:assert/strict'
import test from 'node:test'
import { AnnounceNotice } from '../../src/node/announce-notice.js'

test('reports name and interfaces once, loopback last, and again when they change', () => {
  const reported: string[] = []
  const notice = new AnnounceNotice('alice', line => reported.push(line))
  const lo = { name: 'lo', address: '127.0.0.1' }
  const eth0 = { name: 'eth0', address: '10.0.0.5' }
  notice.update('alice', [])
  notice.update('alice', [lo, eth0, { name: 'eth0', address: 'fe80::1%eth0' }])
  notice.update('alice', [lo, eth0])
  notice.update('alice (2)', [lo])
  const many = Array.from({ length: 7 }, (_, i) => ({ name: `tap${i}`, address: `10.${i}.0.1` }))
  notice.update('alice', many)
  assert.deepEqual(reported, [
    'announced as alice on eth0 (10.0.0.5), lo (127.0.0.1)',
    'announced as alice (2) on lo (127.0.0.1): another alice is on this network',
    'announced as alice on tap0 (10.0.0.1), tap1 (10.1.0.1), tap2 (10.2.0.1), tap3 (10.3.0.1) and 3 more',
  ])
})
