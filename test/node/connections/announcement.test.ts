import assert from 'node:assert/strict'
import test from 'node:test'
import { Announcement } from '../../../src/node/connections/announcement.js'
import type { NodeEvent } from '../../../src/node/events.js'

test('reports name and interfaces once, loopback last, and again when they change', () => {
  const events: NodeEvent[] = []
  const announcement = new Announcement('alice', event => events.push(event))
  const lo = { name: 'lo', address: '127.0.0.1' }
  const eth0 = { name: 'eth0', address: '10.0.0.5' }
  announcement.update('alice', [])
  announcement.update('alice', [lo, eth0, { name: 'eth0', address: 'fe80::1%eth0' }])
  announcement.update('alice', [lo, eth0])
  announcement.update('alice (2)', [lo])
  const many = Array.from({ length: 7 }, (_, i) => ({ name: `tap${i}`, address: `10.${i}.0.1` }))
  announcement.update('alice', many)
  const announced = { kind: 'announced', name: 'alice', chosenName: 'alice' }
  assert.deepEqual(events, [
    { ...announced, interfaces: [eth0, lo], more: 0 },
    { ...announced, name: 'alice (2)', interfaces: [lo], more: 0 },
    { ...announced, interfaces: many.slice(0, 4), more: 3 },
  ])
})
