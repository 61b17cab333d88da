import { ChatError } from '../../base/errors.js'
import { shortKey } from '../../chat/display-names.js'
import { checkHome } from '../../node/home-guard.js'
import { homeOf } from '../../node/paths.js'
import { dateAndTimeOf } from '../../session/dates.js'
import { info } from '../../ui/lines/output.js'
import { DONE } from '../exit-code.js'
import { printJson } from '../rooms/output.js'
import { report } from '../store/stored-logs.js'
import { readBackup, writeBackup } from './backup-file.js'
import { contentOf } from './home-content.js'
import { newPassphrase, passphraseFor } from './passphrase.js'
import { checkIsAbsent, type Restored, rehearse, restoreHome } from './restored-home.js'

export interface BackupRequest {
  readonly me: string
  readonly data: string
  readonly file: string
  readonly isJson: boolean
}

/**
 * `persisted-chat backup <me> <file>`: writes the data that would be lost with this disk, reads it again, and rehearses
 * restoring it.
 */
export async function backUp({ me, data, file, isJson }: BackupRequest): Promise<number> {
  const home = homeOf(data, me)
  await checkHome(home, report)
  const content = await contentOf(home)
  const passphrase = await newPassphrase()
  await writeBackup(file, content, passphrase)
  return checked({ file, isJson, passphrase, verb: 'wrote' })
}

/** `persisted-chat backup --check <me> <file>`: rehearses restoring a backup. */
export async function checkBackup({ file, isJson }: BackupRequest): Promise<number> {
  return checked({ file, isJson, passphrase: await passphraseFor(`the passphrase of ${file}: `), verb: 'checked' })
}

interface Check {
  readonly file: string
  readonly isJson: boolean
  readonly passphrase: string
  readonly verb: string
}

async function checked({ file, isJson, passphrase, verb }: Check): Promise<number> {
  const content = await readBackup(file, passphrase)
  const restored = await rehearse(content)
  if (isJson) printJson({ file, me: content.me, at: content.madeAtMs, ...restored })
  else
    info(
      `${verb} ${file}, and rehearsed restoring it: the key ${shortKey(restored.key)} of ${content.me} of ${dateAndTimeOf(content.madeAtMs)}, ${summaryText(restored)}`,
    )
  return DONE
}

/** `persisted-chat restore <me> <file>`: creates a home from a backup. Refuses if there is a home already. */
export async function restore({ me, data, file, isJson }: BackupRequest): Promise<number> {
  const home = homeOf(data, me)
  await checkIsAbsent(home)
  const content = await readBackup(file, await passphraseFor(`the passphrase of ${file}: `))
  if (content.me !== home.me)
    throw new ChatError('BAD_USAGE', `${file} is a backup of ${content.me}, not of ${me}`, {
      hint: `persisted-chat restore ${content.me} ${file}`,
    })
  const restored = await restoreHome(home, content)
  if (isJson) printJson({ file, me, at: content.madeAtMs, ...restored })
  else {
    info(`restored the key ${shortKey(restored.key)} of ${me}, ${summaryText(restored)}, in ${home.directory}`)
    info(`start persisted-chat ${me}: the lines come from peers, and yours continue after them`)
  }
  return DONE
}

const summaryText = ({ rooms, people }: Restored): string =>
  `${rooms} ${rooms === 1 ? 'room' : 'rooms'} and ${people} ${people === 1 ? 'person' : 'people'} you know`
