import type { ExcerptFault } from '../../log/format/excerpt.js'

/** Why a file is not a proof. */
export function excerptFaultText({ kind, first = 0, last = first }: ExcerptFault): string {
  const isOne = first === last
  const entries = isOne ? `entry ${first}` : `entries ${first} to ${last}`
  switch (kind) {
    case 'not-an-excerpt':
      return 'this file is not a proof'
    case 'malformed':
      return first === 0
        ? 'the file is damaged'
        : `the file is damaged from entry ${first} on: an entry was changed or left out, or the file is not whole`
    case 'other-log':
      return `${entries} ${isOne ? 'belongs' : 'belong'} to another log`
    case 'gap':
      return `${entries} ${isOne ? 'was' : 'were'} left out or moved`
    case 'out-of-order':
      return `${entries} are not in the order in which they were written`
    case 'not-signed':
      return `${entries} ${isOne ? 'is' : 'are'} not what the author signed: ${isOne ? 'it' : 'at least one of them'} was changed, left out or moved`
  }
}
