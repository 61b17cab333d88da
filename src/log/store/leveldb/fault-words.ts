import type { FileFault } from './check.js'

/** A fault of a file in words for a message, such as `is damaged at byte 12`. */
export function fileFaultWords({ problem, at, names }: FileFault): string {
  switch (problem) {
    case 'missing':
      return names === undefined ? 'is missing' : `names ${names}, which is missing`
    case 'unreadable':
      return 'cannot be read'
    case 'damaged':
      return at === undefined ? 'is damaged' : `is damaged at byte ${at}`
    case 'damaged-in-use':
      return 'was damaged while it was in use'
    case 'repeated-records':
      return 'repeats records'
  }
}
