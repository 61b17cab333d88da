import { ChatError, reasonOf, systemCode } from '../../../base/errors.js'
import { unusableHint } from '../../../base/files/disk-faults.js'
import type { FileFault } from './check.js'
import { fileFaultWords } from './fault-words.js'
import type { RepairFailure } from './repair.js'

// Why a database cannot be used, and what the user can do.

/** Converts an error of LevelDB on opening a database into one that tells the user what to do. */
export function openingError(directory: string, cause: unknown): ChatError {
  if (cause instanceof ChatError) return cause
  switch (systemCode(cause)) {
    case 'LEVEL_LOCKED':
      return locked(directory, cause)
    case 'LEVEL_CORRUPTION':
      return corrupt(directory, [], cause)
    default:
      return unusable(directory, cause)
  }
}

export const locked = (directory: string, cause?: unknown): ChatError =>
  new ChatError('LOG_LOCKED', `the logs in ${directory} are open in another process`, {
    cause,
    hint: 'Stop that process first, or choose another directory with {data}.',
  })

export function corrupt(directory: string, faults: readonly FileFault[], cause?: unknown): ChatError {
  return new ChatError('LOG_CORRUPT', `the logs in ${directory} are damaged${listed(faults)}`, {
    cause,
    hint: 'Move the directory aside: entries that other peers have are fetched from them.',
  })
}

export function notRepaired(directory: string, faults: readonly FileFault[], failure: RepairFailure): ChatError {
  switch (failure) {
    case 'busy':
      return new ChatError('LOG_LOCKED', `the logs in ${directory} are being repaired by another process`, {
        hint: 'Wait until it has finished, then try again.',
      })
    case 'changing':
      return new ChatError('LOG_LOCKED', `the logs in ${directory} changed while they were copied`, {
        hint: 'Stop the process that writes to them, then try again.',
      })
    case 'no-room':
      return new ChatError('DATA_UNUSABLE', `there is no space on the disk for a copy of the logs in ${directory}`, {
        hint: 'Free some space, then try again.',
      })
    case 'beyond-repair':
      return corrupt(directory, faults)
  }
}

const listed = (faults: readonly FileFault[]): string =>
  faults.length === 0 ? '' : ` (${faults.map(fault => `${fault.file} ${fileFaultWords(fault)}`).join(', ')})`

export function unusable(directory: string, cause: unknown): ChatError {
  return new ChatError('DATA_UNUSABLE', `the data directory ${directory} cannot be used: ${systemReason(cause)}`, {
    cause,
    hint: unusableHint(cause),
  })
}

function systemReason(error: unknown): string {
  return reasonOf(error instanceof Error && error.cause instanceof Error ? error.cause : error)
}
