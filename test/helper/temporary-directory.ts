import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from './child.js'

/** A directory for one test, removed when it ends. */
export async function temporaryDirectory(cleanup: Cleanup): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'persisted-chat-'))
  cleanup.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}
