import type { HostEvent } from '../../host/events.js'

export function hostText(event: HostEvent): string {
  switch (event.kind) {
    case 'already-open':
      return `${event.name} is in the chat already${event.hasOtherFaces ? ': this is another face of it' : ''}`
    case 'node-silent': {
      const { name, pid, sinceMs } = event
      const node = `the node${pid === undefined ? '' : ` (pid ${pid})`} does not answer since ${clockText(sinceMs)}`
      return `${node}; if it does not recover, end it: persisted-chat stop --kill ${name}`
    }
    case 'node-answers':
      return 'the node answers again'
    case 'connect-refused':
      return event.detail
    case 'unknown-event':
      return `the node runs another version, and reports what this one does not know: ${event.name}`
  }
}

/** The time of day, as `14:03`. */
function clockText(ms: number): string {
  const time = new Date(ms)
  return [time.getHours(), time.getMinutes()].map(part => String(part).padStart(2, '0')).join(':')
}
