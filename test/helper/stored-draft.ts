import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { homeOf } from '../../src/node/paths.js'

const LOOK_MS = 50

/** Resolves when a screen has stored this draft. */
export async function draftStored(data: string, me: string, draft: string): Promise<void> {
  const file = `${homeOf(data, me).database}.screen`
  for (;;) {
    const stored = await readFile(file, 'utf8').catch(() => '')
    if (stored.includes(JSON.stringify(draft))) return
    await pause(LOOK_MS)
  }
}
