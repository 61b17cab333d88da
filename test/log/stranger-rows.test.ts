import assert from 'node:assert/strict'
import test from 'node:test'
import { type AuthorId, authorOf, logOf } from '../../src/log/format/author.js'
import { decodeSegment } from '../../src/log/format/segment.js'
import { NOBODY_KNOWN } from '../../src/log/known-people.js'
import { after } from '../../src/log/store/store.js'
import { Quota } from '../../src/sync/quota/stranger-quota.js'
import { Author, roomId } from '../attack/author.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice } from '../helper/signed-world.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const STRANGER_ROWS = { gte: Buffer.from('p'), lt: after(Buffer.from('p')) }

const keyOf = (author: Author): AuthorId => authorOf(author.keys.hex) ?? assert.fail()

function open(disk: MemoryDisk) {
  const clock = new VirtualClock()
  const quota = new Quota({ known: NOBODY_KNOWN, clock })
  return { quota, opening: logOver(new MemoryStore(disk), alice, { clock, quota, known: NOBODY_KNOWN }) }
}

test('knows after a restart who brought the logs of strangers', async () => {
  const disk = new MemoryDisk()
  const log = await open(disk).opening
  const authors = Array.from({ length: 4 }, () => new Author(roomId('lobby')))
  for (const [index, author] of authors.entries()) {
    const runs = author.lines('guest', 1).map(bytes => decodeSegment(bytes) ?? assert.fail('malformed'))
    await log.addSigned(logOf(keyOf(author)), runs, { id: index < 3 ? 'flood' : 'bob', block: '10.0.0.0/24' })
  }
  await log.close()
  const [first, second, third] = authors.map(keyOf)
  const after = open(disk)
  await (await after.opening).close()
  assert.deepEqual([...after.quota.companionsOf(first as AuthorId)].sort(), [second, third].sort())

  const rows = disk.rows(STRANGER_ROWS, 100)
  assert.equal(rows.length, 4)
  disk.write(rows.map(([key]) => ({ type: 'del', key })))
  const control = open(disk)
  await (await control.opening).close()
  assert.deepEqual(control.quota.companionsOf(first as AuthorId), [])
})
