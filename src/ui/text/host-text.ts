import type { HostEvent } from '../../host/protocol/events.js'
import type { Sentences } from './event-context.js'

export const HOST_SENTENCES: Sentences<HostEvent> = {
  'already-open': ({ name, hasOtherFaces }) =>
    `${name} is in the chat already${hasOtherFaces ? ', in another window or program' : ''}`,
  'node-silent': ({ name, pid, sinceMs }) => {
    const node = `the node${pid === undefined ? '' : ` (pid ${pid})`} has not answered since ${clockText(sinceMs)}`
    return `${node}; if it does not recover, end it: persisted-chat stop --kill ${name}`
  },
  'node-answers': () => 'the node answers again',
  'connect-refused': ({ detail }) => detail,
  'unknown-event': ({ name }) =>
    `the node runs another version, and sent an event that this version does not know: ${name}`,
}

/** The time of day, as `14:03`. */
function clockText(ms: number): string {
  const time = new Date(ms)
  return [time.getHours(), time.getMinutes()].map(part => String(part).padStart(2, '0')).join(':')
}
