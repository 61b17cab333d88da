import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { LevelStore } from '../../src/log/store/level-store.js'
import { homeOf } from '../../src/node/paths.js'
import { openStore } from '../../src/node/stored-log.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

/** Another process that has the database open. */
async function holderOf(directory: string) {
  const holder = fork(new URL('../helper/database-holder.js', import.meta.url), [directory])
  await once(holder, 'message')
  return holder
}

test('opens a database as soon as a process that was killed has released it', async t => {
  const home = homeOf(await temporaryDirectory(t), 'alice', 'lobby')
  const holder = await holderOf(home.database)
  await assert.rejects(LevelStore.open(home.database), { code: 'LOG_LOCKED' })
  const opening = openStore(home, () => {})
  holder.kill('SIGKILL')
  await (await opening).close()
})

test('control: a database that stays open elsewhere is refused', async t => {
  const home = homeOf(await temporaryDirectory(t), 'alice', 'lobby')
  const holder = await holderOf(home.database)
  await assert.rejects(
    openStore(home, () => {}),
    { code: 'LOG_LOCKED' },
  )
  holder.kill('SIGKILL')
})
