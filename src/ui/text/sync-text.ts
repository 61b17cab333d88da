import { FRAME_BYTES_MAX } from '../../base/wire/frames.js'
import type { Violation } from '../../net/violation.js'
import type { ArchiveRefusal } from '../../sync/archive.js'
import type { SyncEvent } from '../../sync/events.js'
import { HEADS_MAX } from '../../sync/limits.js'
import type { Sentences } from './event-context.js'
import { rejectionText, storedFaultText } from './log-fault-text.js'

const VIOLATIONS: Readonly<Record<Violation, string>> = {
  'frame-too-long': `a frame of over ${FRAME_BYTES_MAX} bytes`,
  'empty-frame': 'a frame of no bytes',
  'malformed-handshake': 'a malformed handshake',
  'malformed-channel-frame': 'a frame without a channel',
  'malformed-rooms': 'malformed rooms',
  'malformed-acknowledgement': 'a malformed acknowledgement',
  'window-exceeded': 'more than the flow-control window of a room',
  'malformed-heads': 'malformed heads',
  'malformed-head': 'a malformed head',
  'too-many-heads': `heads of more than ${HEADS_MAX} logs at once`,
  'malformed-fingerprints': 'malformed fingerprints',
  'repeated-fingerprints': 'fingerprints a second time',
  'malformed-segments': 'malformed segments',
  'malformed-segment': 'a malformed segment',
  'malformed-segment-request': 'a malformed segment request',
  'malformed-fork-proof': 'a malformed fork proof',
  'malformed-content': 'malformed content',
  'malformed-notes': 'malformed notes',
  'malformed-note': 'a malformed note',
  'malformed-unsigned-entry': 'a malformed unsigned entry',
  'malformed-entry': 'a malformed entry',
  'malformed-status': 'a malformed status',
  'malformed-presence-digest': 'a malformed presence digest',
  'malformed-contacts': 'malformed contacts',
  'malformed-operations': 'malformed membership operations',
  'too-many-rejected-authors': 'rejected entries of too many authors',
}

export const SYNC_SENTENCES: Sentences<SyncEvent & { readonly peer: string }> = {
  'entries-rejected': ({ peer, author, reason }) =>
    `${peer}: rejected the entries of ${author}: ${rejectionText(reason)}`,
  'protocol-violated': ({ peer, violation }) => `${peer}: disconnected: it sent ${VIOLATIONS[violation]}`,
}

const REST: Readonly<Record<Extract<ArchiveRefusal, { readonly kind: 'rest' }>['reason'], string>> = {
  'incomplete-segment': 'ends in the middle of a segment',
  'too-many-rejections': 'skipped because too many parts were rejected',
  'not-an-export': 'not an export from here on',
}

/** Describes what an import rejected, and why. */
export function archiveRefusalText(refusal: ArchiveRefusal): string {
  switch (refusal.kind) {
    case 'log': {
      const { author, reason } = refusal
      return `${author}: ${reason.kind === 'missing' ? storedFaultText(reason) : rejectionText(reason)}`
    }
    case 'part':
      return `a part of the file: ${partText(refusal.reason)}`
    case 'rest':
      return `the rest of the file: ${REST[refusal.reason]}`
  }
}

function partText(reason: Extract<ArchiveRefusal, { readonly kind: 'part' }>['reason']): string {
  if (reason === 'no-segments') return 'empty'
  return reason === 'unknown-frame' ? 'unknown to this version' : VIOLATIONS[reason]
}
