// Loaded before every test: keeps marks and compiled code out of the user's directories, and makes simulations fast.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { leavePromisesUntracked } from './untracked-promises.js'

if (process.argv[1]?.includes('/simulation/')) leavePromisesUntracked()

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
