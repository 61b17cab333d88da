import type { Rejection, StoredFault } from '../../log/format/log-fault.js'

/** Describes why entries of a log were rejected. */
export function rejectionText(rejection: Rejection): string {
  switch (rejection.kind) {
    case 'author-limit':
      return `the limit of ${rejection.authorsMax} authors is reached`
    case 'new-author-limit':
      return 'too many new authors in an hour over one connection'
    case 'log-size-limit':
      return `its author's log has reached the limit of ${rejection.bytesMax.toLocaleString('en')} bytes on this disk`
    case 'log-length-limit':
      return 'the log is longer than a log can be'
    case 'malformed-author':
      return 'the author id is malformed'
    case 'unsigned-log':
      return 'it is unsigned, and this room accepts only signed logs'
    case 'unsigned-entries':
      return 'too many of them arrived without a signature'
    case 'gap':
      return `entry ${rejection.missing} is missing before entry ${rejection.before}`
    case 'segment-too-long':
      return `entries from ${rejection.first} on exceed a segment without a signature`
    case 'invalid-entry':
      return `entry ${rejection.seq} is invalid`
    case 'malformed-entry':
      return 'an entry is not a JSON object with a username and a message'
    case 'invalid-signature':
      return `the signature at entry ${rejection.seq} is invalid`
    case 'unsigned-contradiction':
      return `entry ${rejection.seq} does not continue the log, and its signature is invalid`
    case 'signed-contradiction':
      return `the author signed two different histories before entry ${rejection.before}`
    case 'contradicts-log':
      return 'it contradicts the stored log'
    case 'contradicts-proof':
      return 'it contradicts a fork proof'
    case 'differs':
      return 'the log differs from the one stored here'
    case 'not-author':
      return 'only its author may extend this log'
    case 'forked':
      return `its author signed two histories from entry ${rejection.forkedAt} on`
  }
}

/** Describes why a stored log is not sound. */
export function storedFaultText(fault: StoredFault): string {
  switch (fault.kind) {
    case 'no-key':
      return 'its author has no key'
    case 'missing':
      return fault.from === fault.to
        ? `entry ${fault.from} is missing`
        : `entries ${fault.from} to ${fault.to} are missing`
    case 'damaged-head':
      return 'the row of its head is damaged'
    case 'damaged-row':
      return `the row of entry ${fault.seq} is damaged`
    case 'damaged-entry':
      return `entry ${fault.seq} is damaged`
    case 'missing-checksum':
      return `the checksum of entry ${fault.seq} is missing`
    case 'broken-chain':
      return `entry ${fault.seq} does not continue the chain`
    case 'invalid-segment-signature':
      return `the signature at entry ${fault.seq} is invalid for the entries from ${fault.first} on`
    case 'out-of-order':
      return `entry ${fault.seq} is out of order`
  }
}
