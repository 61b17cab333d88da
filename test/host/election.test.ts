import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import { ChatError } from '../../src/base/errors.js'
import { elect, NodeLock } from '../../src/host/election.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { VirtualClock } from '../helper/virtual-clock.js'

const isLocked = (error: unknown): boolean => error instanceof ChatError && error.code === 'LOG_LOCKED'
const notServed = async (): Promise<boolean> => false

test('elects the next process when the holder of the lock ends', async t => {
  const directory = await temporaryDirectory(t)
  const clock = new VirtualClock()
  const first = (await elect(directory, { clock, isServed: notServed })) ?? assert.fail('nobody was elected')
  assert.equal(await elect(directory, { clock, isServed: async () => true }), undefined, 'the holder serves')
  clock.after(9_000, () => void first.release())
  const second = await clock.during(elect(directory, { clock, isServed: notServed }))
  await (second ?? assert.fail('nobody was elected')).release()
})

test('waits six times as long while the holder of the lock is opening or closing its databases', async t => {
  const directory = await temporaryDirectory(t)
  const holder = (await NodeLock.acquire(directory)) ?? assert.fail('the lock is not free')
  const pidFile = path.join(directory, 'node.pid')
  const waited = async (): Promise<number> => {
    const clock = new VirtualClock(0)
    await assert.rejects(clock.during(elect(directory, { clock, isServed: notServed })), isLocked)
    return clock.now() / 1_000
  }
  await writeFile(pidFile, `${process.ppid}\n`)
  assert.ok((await waited()) < 11)
  await writeFile(pidFile, '999999999\n')
  assert.ok((await waited()) > 60, 'the pid is of a process that has ended')
  await rm(pidFile)
  assert.ok((await waited()) > 60)
  await writeFile(pidFile, `${process.pid}\n`)
  await holder.ending()
  const text = await readFile(pidFile, 'utf8')
  await writeFile(pidFile, text.replace(`${process.pid}`, `${process.ppid}`))
  assert.ok((await waited()) > 60)
  await holder.release()
})
