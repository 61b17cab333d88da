import { ChatError } from '../../../base/errors.js'
import { piecesOf } from './file-requests.js'
import type { Handlers } from './work.js'

const PASSPHRASE_LENGTH_MIN = 8
/** Peers that are probed at once. */
const PROBED_MAX = 16

/** Handlers of requests about all rooms of a user: diagnosis and backup. */
export const REPORT_REQUESTS: Handlers<'doctor' | 'backup'> = {
  doctor: async ({ workspace }, { room, peers }) => {
    const findings = await workspace.parts.doctor(room, peers.slice(0, PROBED_MAX))
    return { isOk: findings.every(({ isOk }) => isOk), findings }
  },
  backup: async ({ workspace, transfer }, { passphrase }) => {
    if ([...passphrase].length < PASSPHRASE_LENGTH_MIN)
      throw new ChatError('BAD_USAGE', `the passphrase has fewer than ${PASSPHRASE_LENGTH_MIN} characters`, {
        hint: 'Choose a longer one: whoever finds the file can try as many as they like.',
      })
    const bytes = await workspace.parts.backup(passphrase)
    const name = `${workspace.me}.backup`
    await transfer(name, bytes.length, piecesOf(bytes))
    return { name, bytes: bytes.length }
  },
}
