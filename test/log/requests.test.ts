import assert from 'node:assert/strict'
import test from 'node:test'
import { utf8 } from '../../src/base/wire/bytes.js'
import { after } from '../../src/log/store/store.js'
import { logOver } from '../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, withBitFlipped } from '../helper/signed-world.js'

const [ONE, OTHER] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
const LINE = { username: 'alice', message: 'hello' }

const rowsOn = (disk: MemoryDisk) => disk.rows({ gte: utf8('q'), lt: after(utf8('q')) }, 100)

test('one row answers consecutive requests of a client', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  const append = (client: Uint8Array, number: number) => log.append(LINE, { client, number })
  await Promise.all([append(ONE, 1), append(ONE, 2), append(ONE, 3), append(OTHER, 1), append(ONE, 4), append(ONE, 6)])
  assert.equal(rowsOn(disk).length, 4)
  await log.close()
  const next = await logOver(new MemoryStore(disk), alice)
  assert.deepEqual(
    await next.requests.answered(ONE),
    new Map([1, 2, 3, 5, 6].map((seq, at) => [[1, 2, 3, 4, 6][at], seq])),
  )
  assert.deepEqual(await next.requests.answered(OTHER), new Map([[1, 4]]))
  await next.close()
})

test('deletes a row when all of its requests are acknowledged, even those of an earlier process', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  const append = (number: number) => log.append(LINE, { client: ONE, number })
  await Promise.all([append(1), append(2)])
  await Promise.all([append(3), append(4)])
  log.requests.forget({ client: ONE, number: 1 })
  await log.append(LINE)
  assert.equal(rowsOn(disk).length, 2, 'request 2 is not acknowledged')
  await log.close()
  const next = await logOver(new MemoryStore(disk), alice)
  await next.requests.answered(ONE)
  next.requests.forget({ client: ONE, number: 3 })
  await next.append(LINE)
  assert.equal(rowsOn(disk).length, 1)
  next.requests.forget({ client: ONE, number: 4 })
  await next.close()
  assert.equal(rowsOn(disk).length, 0)
})

test('ignores a damaged row and deletes it with the old ones', async () => {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  await log.append({ username: 'alice', message: 'hello' }, { client: ONE, number: 7 })
  const [row] = rowsOn(disk)
  assert.ok(row)
  disk.write([{ type: 'put', key: row[0], value: withBitFlipped(row[1], 40) }])
  assert.deepEqual(await log.requests.answered(ONE), new Map())
  await log.requests.forgetBefore(0)
  await log.close()
  assert.equal(rowsOn(disk).length, 0)
})
