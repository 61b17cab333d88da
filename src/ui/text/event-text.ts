import { sanitise } from '../../base/safe-text.js'
import { type FaceEvent, isProblem } from '../../host/protocol/events.js'
import { type EventContext, SAME_PATHS, type Sentences } from './event-context.js'
import { HOST_SENTENCES } from './host-text.js'
import { LOG_SENTENCES } from './log-text.js'
import { NET_SENTENCES } from './net-text.js'
import { NODE_SENTENCES } from './node-text.js'
import { SYNC_SENTENCES } from './sync-text.js'

export interface EventText {
  readonly level: 'info' | 'warning'
  /** One line, safe to print. */
  readonly line: string
}

const SENTENCES: Sentences<FaceEvent> = {
  ...LOG_SENTENCES,
  ...NET_SENTENCES,
  ...SYNC_SENTENCES,
  ...NODE_SENTENCES,
  ...HOST_SENTENCES,
}

/** An event as a sentence for people. */
export function eventText(event: FaceEvent, context: EventContext = SAME_PATHS): EventText {
  const sentence = SENTENCES[event.kind] as (event: FaceEvent, context: EventContext) => string
  return { level: isProblem(event) ? 'warning' : 'info', line: sanitise(sentence(event, context)) }
}
