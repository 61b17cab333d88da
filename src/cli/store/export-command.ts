import { fstatSync, statSync } from 'node:fs'
import { ChatError } from '../../base/errors.js'
import { isSigned } from '../../log/format/author.js'
import { archiveOf } from '../../sync/archive.js'
import { writeExport } from '../../ui/export-file.js'
import { info, warn, write } from '../../ui/lines/output.js'
import { type Where, withCopy } from './stored-logs.js'

/** `persisted-chat export <me> <file>`: writes the signed logs to a file; `-` is stdout. */
export async function exportLog(where: Where, file: string): Promise<number> {
  if (file === '-' && process.stdout.isTTY)
    throw new ChatError('BAD_USAGE', 'an export is binary data, and stdout is a terminal', {
      hint: 'Redirect stdout, or name a file.',
    })
  return withCopy(where, async ({ log }, { home }) => {
    const archive = archiveOf(log, home.roomId)
    if (file !== '-') await writeExport(file, archive)
    else for await (const part of archive) await write(process.stdout, part)
    if (file === '-' && isDiscarded()) {
      warn('stdout is closed or /dev/null: the export is not stored. Redirect stdout, or name a file.')
      return 0
    }
    const count = log.head.filter(({ author }) => isSigned(author)).length
    info(`exported ${count} signed logs to ${file === '-' ? 'stdout' : file}`)
    return 0
  })
}

/** Whether stdout is /dev/null. Node.js also opens /dev/null in place of a stdout that was closed at the start. */
function isDiscarded(): boolean {
  try {
    const stdout = fstatSync(1)
    return stdout.isCharacterDevice() && stdout.rdev === statSync('/dev/null').rdev
  } catch {
    return false
  }
}
