import { ChatError, reasonOf, systemCode } from '../errors.js'
import { oneOf, record, text } from '../shape.js'

/** Causes of a failed disk operation that users can fix. */
const DISK_FAULTS = ['denied', 'read-only', 'full', 'not-a-directory', 'not-a-file'] as const

export type DiskFault = (typeof DISK_FAULTS)[number]

/** A failed disk operation, as events report it. `detail` is the system's message. */
export interface DiskFailure {
  readonly reason: DiskFault | 'other'
  readonly detail: string
}

export const DISK_FAILURE = record<DiskFailure>({ reason: oneOf([...DISK_FAULTS, 'other']), detail: text })

/** Code of `notAFile`. */
const NOT_A_FILE = 'ENOTREG'

const FAULT_OF_CODE: Readonly<Record<string, DiskFault>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'read-only',
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOTDIR: 'not-a-directory',
  [NOT_A_FILE]: 'not-a-file',
}

/** LevelDB reports the system's message without its code: `IO error: data/alice/lobby/LOCK: Read-only file system`. */
const FAULT_OF_MESSAGE: readonly (readonly [RegExp, DiskFault])[] = [
  [/permission denied$|operation not permitted$/i, 'denied'],
  [/read-only file system$/i, 'read-only'],
  [/no space left on device$|quota exceeded$/i, 'full'],
  [/not a directory$/i, 'not-a-directory'],
]

const WORDS: Readonly<Record<DiskFault, string>> = {
  denied: 'permission denied',
  'read-only': 'the file system is read-only',
  full: 'no space left on the disk',
  'not-a-directory': 'part of its path is not a directory',
  'not-a-file': 'it is not a regular file',
}

const HINTS: Readonly<Record<DiskFault, string>> = {
  denied: 'Ask its owner for access, or choose another with {data}.',
  'read-only': 'Copy it to a writable disk and pass the copy with {data}.',
  full: 'Free some space on that disk, then try again.',
  'not-a-directory': 'Choose another with {data}.',
  'not-a-file': 'Choose another with {data}.',
}

function diskFaultOf(error: unknown): DiskFault | undefined {
  const byCode = FAULT_OF_CODE[systemCode(error) ?? '']
  if (byCode !== undefined) return byCode
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth++) {
    const { message } = cause
    const found = FAULT_OF_MESSAGE.find(([pattern]) => pattern.test(message))
    if (found !== undefined) return found[1]
  }
  return undefined
}

/** The error for a path that is not a regular file. */
export const notAFile = (): Error => Object.assign(new Error(NOT_A_FILE), { code: NOT_A_FILE })

export const isNotAFile = (error: unknown): boolean => systemCode(error) === NOT_A_FILE

export const diskFailureOf = (cause: unknown): DiskFailure => ({
  reason: diskFaultOf(cause) ?? 'other',
  detail: reasonOf(cause),
})

/** The failure as a message, such as `permission denied`. */
export const diskFailureWords = ({ reason, detail }: DiskFailure): string =>
  reason === 'other' ? detail : WORDS[reason]

/** The cause as a message, such as `permission denied`; undefined if it is not listed here. */
export function diskFaultWords(cause: unknown): string | undefined {
  const fault = diskFaultOf(cause)
  return fault === undefined ? undefined : WORDS[fault]
}

/** The error of a failed disk operation: `what` and why, with DATA_UNUSABLE. A ChatError is returned as it is. */
export function diskError(what: string, cause: unknown, hint = unusableHint(cause)): ChatError {
  if (cause instanceof ChatError) return cause
  return new ChatError('DATA_UNUSABLE', `${what}: ${diskFaultWords(cause) ?? reasonOf(cause)}`, { cause, hint })
}

/** What to do about a data directory that failed with this cause. */
export function unusableHint(cause: unknown): string {
  const fault = diskFaultOf(cause)
  return fault === undefined ? 'Choose another with {data}.' : HINTS[fault]
}
