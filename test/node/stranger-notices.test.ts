import assert from 'node:assert/strict'
import test from 'node:test'
import { StrangerNotices } from '../../src/node/people/stranger-notices.js'

test('reports one event of a kind about strangers a minute, and several who come and go', () => {
  const notices = new StrangerNotices()
  const allowed = (kind: Parameters<StrangerNotices['allows']>[0], from: number): number =>
    Array.from({ length: 190 * 60 }, (_, i) => notices.allows(kind, from + i * 5)).filter(Boolean).length
  assert.equal(allowed('entries-rejected', 0), 1)
  assert.equal(allowed('protocol-violated', 0), 1)
  assert.equal(allowed('connection-opened', 0), 8)
  assert.equal(allowed('entries-rejected', 60_000), 1, 'control: a minute later the next one is reported')
})
