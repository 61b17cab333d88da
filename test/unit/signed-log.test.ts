import assert from 'node:assert/strict'
import test from 'node:test'
import type { Members } from '../../src/log/entry.js'
import { Log } from '../../src/log/log.js'
import { MemoryDisk, MemoryStore } from '../helper/memory-store.js'
import { alice, auditDisk } from '../helper/signed-world.js'

test('an append that no peer could take is refused, and what is appended after it is taken', async () => {
  const disk = new MemoryDisk()
  const log = await Log.over(new MemoryStore(disk), alice)
  const said = { username: 'alice', message: 'hello' }
  const refused: unknown[] = [
    { ...said, at: 'never' },
    { ...said, sig: 'A'.repeat(86) },
    { ...said, 1: 'a member that JavaScript puts first' },
    { ...said, toJSON: () => 'something else' },
    { username: 'alice' },
    { username: 7, message: 'hello' },
    { ...said, message: 'x'.repeat(16 * 1024) },
  ]
  for (const members of refused) {
    await assert.rejects(log.append(members as Members), { code: 'BAD_MESSAGE' }, JSON.stringify(members).slice(0, 80))
  }
  assert.equal((await log.append(said)).seq, 1)
  await log.close()
  assert.equal(auditDisk(disk).logs.size, 1)
})
