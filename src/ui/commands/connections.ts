import { dialFailureText, encryptionText } from '../text/net-text.js'
import { command } from './context.js'

export const peers = command({
  name: 'peers',
  argument: '',
  help: 'list connected peers, and peers that are dialled and why that fails',
  run: ({ session: { room }, tell }) => {
    const { connected, plain, dialing } = room.connectionSummary
    tell(
      connected.length === 0 ? 'connected to no one' : `connected to ${encryptionText(connected, plain)}`,
      ...dialing.map(
        attempt =>
          `trying ${attempt.name}: ${dialFailureText(attempt)}, ${attempt.tries} ${attempt.tries === 1 ? 'time' : 'times'}`,
      ),
    )
  },
})

export const connect = command({
  name: 'connect',
  argument: 'peer',
  help: 'connect to a name or host:port',
  run: ({ session: { room }, tell, complain }, peer) => {
    if (peer === '') return complain('connect to whom? /connect bob, or /connect 10.0.0.7:4000')
    room.connect(peer)
    tell(`trying ${peer}; /disconnect ${peer} stops that`)
  },
})

export const disconnect = command({
  name: 'disconnect',
  argument: 'peer',
  help: 'close the connection to a peer, and do not dial it again',
  run: ({ session: { room }, tell, complain }, peer) => {
    if (peer === '') return complain('disconnect from whom? /disconnect bob; /quit leaves the chat')
    if (room.disconnect(peer)) tell(`disconnected from ${peer}; /connect ${peer} dials it again`)
    else complain(`${peer} is neither connected nor dialled: /peers lists who is`)
  },
})
