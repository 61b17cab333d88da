import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { enableCompileCache } from '../../src/cli/compile-cache.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

/** The directory that Node.js is given for compiled code, and the one that its child processes inherit. */
function chosenWith(env: Record<string, string | undefined>): { enabled: unknown; inherited: string | undefined } {
  let enabled: unknown
  enableCompileCache(env, directory => {
    enabled = directory
  })
  return { enabled, inherited: env['NODE_COMPILE_CACHE'] }
}

async function placeIn(t: TestContext): Promise<{ readonly cache: string; readonly directory: string }> {
  const cache = await temporaryDirectory(t)
  return { cache, directory: path.join(cache, 'persisted-chat') }
}

test('keeps compiled code in a private directory, for child processes too', async t => {
  const { cache, directory } = await placeIn(t)
  assert.deepEqual(chosenWith({ XDG_CACHE_HOME: cache }), { enabled: directory, inherited: directory })
  assert.equal(lstatSync(directory).mode & 0o777, 0o700)
})

test('uses no directory that other users can write to or replace', async t => {
  const { cache, directory } = await placeIn(t)
  mkdirSync(directory)
  chmodSync(directory, 0o770)
  assert.deepEqual(chosenWith({ XDG_CACHE_HOME: cache }), { enabled: undefined, inherited: undefined })
  chmodSync(directory, 0o700)
  chmodSync(cache, 0o777)
  assert.equal(chosenWith({ XDG_CACHE_HOME: cache }).enabled, undefined)
  chmodSync(cache, 0o755)
  assert.equal(chosenWith({ XDG_CACHE_HOME: cache }).enabled, directory, 'control')
})

test('uses no symbolic link, no file and no directory that cannot be created', async t => {
  const { cache, directory } = await placeIn(t)
  symlinkSync(await temporaryDirectory(t), directory)
  for (const place of [cache, '/dev/null', '/proc', '/proc/nowhere'])
    assert.equal(chosenWith({ XDG_CACHE_HOME: place }).enabled, undefined, place)
})

test('leaves the choice to a user who has made it', async t => {
  const { cache } = await placeIn(t)
  const chosen = chosenWith({ XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: '/elsewhere' })
  assert.deepEqual(chosen, { enabled: undefined, inherited: '/elsewhere' })
})
