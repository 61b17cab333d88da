// Loaded before every test: keeps marks and compiled code out of the user's directories, makes simulations fast, and fixes the seed of
// fast-check.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SEED } from './seed.js'
import { leavePromisesUntracked } from './untracked-promises.js'

/** Programs that need not load it. */
const USES_NO_FAST_CHECK = /\/(?:architecture|docs|e2e|helper|interop|simulation)\/|\/test\/run\.js$|^$/

if (process.argv[1]?.includes('/simulation/')) leavePromisesUntracked()

if (!USES_NO_FAST_CHECK.test(process.argv[1] ?? '')) {
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ seed: SEED })
}

if (process.env['PERSISTED_CHAT_TEST_STATE'] === undefined) {
  const directory = mkdtempSync(path.join(tmpdir(), 'persisted-chat-state-'))
  process.env['PERSISTED_CHAT_TEST_STATE'] = directory
  process.env['XDG_STATE_HOME'] = directory
  process.env['XDG_CACHE_HOME'] = directory
  process.on('exit', () => {
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // A process that outlived its test wrote to it meanwhile.
    }
  })
}
