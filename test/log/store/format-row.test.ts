import assert from 'node:assert/strict'
import test from 'node:test'
import { EMPTY, sameBytes, utf8 } from '../../../src/base/wire/bytes.js'
import { CRC_BYTES, checked } from '../../../src/log/store/checked-row.js'
import { FaultyStore } from '../../helper/faulty-store.js'
import { logOver } from '../../helper/logs.js'
import { MemoryDisk, MemoryStore } from '../../helper/memory-store.js'
import { alice, allRows } from '../../helper/signed-world.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

// docs/protocol/storage.md §4.2.

const FORMAT = utf8('v')

async function writtenDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const log = await logOver(new MemoryStore(disk), alice)
  await log.append({ username: 'alice', message: 'hello' })
  await log.close()
  return disk
}

const open = (disk: MemoryDisk) => logOver(new MemoryStore(disk), alice)

test('writes its format into a new database and opens it again', async () => {
  const disk = await writtenDisk()
  assert.ok(sameBytes(disk.get(FORMAT) ?? EMPTY, checked(Uint8Array.of(0, 0, 0, 2))))
  const log = await open(disk)
  assert.equal(log.head.length, 1)
  await log.close()
})

test('opens a new database while the disk is full, and stores lines once there is space', async () => {
  const disk = new MemoryDisk()
  const store = new FaultyStore(disk, { of: index => (index === 0 ? 'not stored' : undefined) })
  const clock = new VirtualClock()
  const log = await logOver(store, alice, { clock })
  const hello = { username: 'alice', message: 'hello' }
  await assert.rejects(log.append(hello), { code: 'LOG_WRITE_FAILED' })
  const writable = log.writable()
  clock.advance(1_000)
  await writable
  await log.append(hello)
  await log.close()
  const again = await open(disk)
  assert.equal(again.head.length, 1)
  await again.close()
  assert.ok(disk.get(FORMAT) !== undefined, 'the next start writes its format')
})

test('rejects a database of version 0.1 and leaves it unchanged', async () => {
  const disk = await writtenDisk()
  // Its rows have no checksums.
  const rows = allRows(disk).map(([key, value]) => ({ type: 'put' as const, key, value: value.subarray(CRC_BYTES) }))
  disk.write([...rows, { type: 'del', key: FORMAT }])
  const before = allRows(disk)
  await assert.rejects(open(disk), { code: 'LOG_FORMAT', message: /persisted-chat 0\.1/ })
  assert.deepEqual(allRows(disk), before)
})

test('rejects a database of a later format and leaves it unchanged', async () => {
  const disk = await writtenDisk()
  disk.write([{ type: 'put', key: FORMAT, value: checked(Uint8Array.of(0, 0, 0, 3)) }])
  const before = allRows(disk)
  await assert.rejects(open(disk), { code: 'LOG_FORMAT', message: /format 3/ })
  assert.deepEqual(allRows(disk), before)
})

test('opens a database that lost its format row with a damaged table', async () => {
  const disk = await writtenDisk()
  disk.write([{ type: 'del', key: FORMAT }])
  const log = await open(disk)
  assert.equal(log.head.length, 1)
  await log.close()
  assert.ok(sameBytes(disk.get(FORMAT) ?? EMPTY, checked(Uint8Array.of(0, 0, 0, 2))), 'the row is written again')
})

test('opens a database whose format row is damaged', async () => {
  const disk = await writtenDisk()
  disk.write([{ type: 'put', key: FORMAT, value: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 3) }])
  const log = await open(disk)
  assert.equal(log.head.length, 1)
  await log.close()
})
