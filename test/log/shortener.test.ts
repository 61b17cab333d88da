import assert from 'node:assert/strict'
import test from 'node:test'
import { authorOf, logOf } from '../../src/log/format/author.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import { NOBODY_KNOWN } from '../../src/log/known-people.js'
import { Quota } from '../../src/sync/quota/stranger-quota.js'
import { Author, roomId } from '../attack/author.js'
import { logOver } from '../helper/logs.js'
import { MemoryStore } from '../helper/memory-store.js'
import { alice } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const MIB = 1024 * 1024
const LOGS_MAX = 32
const STRANGERS = 400

test('shortens all logs that wait in one pass, so that strangers who come fast do not queue up', async () => {
  const clock = new VirtualClock()
  const quota = new Quota({ known: NOBODY_KNOWN, clock, diskBytesMax: 16 * MIB })
  const store = new MemoryStore()
  const log = await logOver(store, alice, { clock, quota, known: NOBODY_KNOWN })
  const strangers = Array.from({ length: STRANGERS }, () => new Author(roomId('lobby')))
  const before = store.commits
  await Promise.all(
    strangers.map(author => {
      const runs = author.lines('guest', 3).map(bytes => decodeSegment(bytes) ?? assert.fail('malformed'))
      return log.addSigned(logOf(authorOf(author.keys.hex) ?? assert.fail()), runs)
    }),
  )
  assert.equal(log.head.length, LOGS_MAX)
  assert.equal(quota.usage.logs, LOGS_MAX)
  const commits = store.commits - before
  assert.ok(commits < STRANGERS / 4, `${commits} commits`)
  await log.close()
})
