import assert from 'node:assert/strict'
import test from 'node:test'
import { planSigned } from '../../src/log/segment-plan.js'
import { alice, entryOf, WrittenLog, withBitFlipped } from '../helper/signed-world.js'

const entries = Array.from({ length: 12 }, (_, index) => entryOf(index, 90))
const log = new WrittenLog(alice, entries)

test('an honest author is not taken for a forked one because a relay garbled the run before', () => {
  const [garbled, next] = [log.run(1, 4), log.run(5, 8)]
  const words = garbled.entries.with(
    1,
    Buffer.from(
      Buffer.from(entries[1] as Uint8Array)
        .toString()
        .replace('1 x', '1 y'),
    ),
  )
  const plan = planSigned(log.name, undefined, [{ ...garbled, entries: words }, next])
  assert.equal(plan.fork, undefined)
  assert.equal(plan.entries.length, 0)
  assert.match(plan.fault ?? '', /signature at entry 4 does not vouch/)
  void withBitFlipped
})
