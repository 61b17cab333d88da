// Sends two thousand datagrams to the multicast group: `node flood-process.js <port> <name>`. After each batch it prints a line, and waits
// for one, so that the buffers of the readers do not overflow, however slow they are.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import multicastDns from 'multicast-dns'
import { SERVICE, serviceRecords } from '../../src/net/lan/mdns/service-records.js'
import { interfaceOfHost, serviceOf } from './mdns-network.js'

const GROUP = '224.0.0.251'
const DATAGRAMS = 2_000
const BATCH = 4
const [port = 0, name = ''] = [Number(process.argv[2]), process.argv[3]]

const label = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text)])
const header = (...counts: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(0x8400, 2)
  counts.forEach((count, i) => {
    bytes.writeUInt16BE(count, 4 + 2 * i)
  })
  return bytes
}
/** Names that end in a pointer to the preceding name: decoding each follows all of them. */
function pointerChain(bytesMax: number): Buffer {
  const parts = [header(0, Math.floor((bytesMax - 64) / 15), 0, 0), label(name), label('local'), Buffer.from([0])]
  let at = 12
  let length = parts.reduce((sum, part) => sum + part.length, 0)
  parts.push(Buffer.from([0, 1, 0, 1, 0, 0, 0, 9, 0, 0]))
  length += 10
  while (length + 14 < bytesMax) {
    const start = length
    parts.push(Buffer.from([1, 97, 0xc0 | (at >> 8), at & 0xff, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0]))
    length += 14
    if (start < 0x3f00) at = start
  }
  return Buffer.concat(parts)
}
const loop = Buffer.concat([header(0, 1, 0, 0), label(name), Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 0])])
const claims = Buffer.concat([header(65_535, 65_535, 65_535, 65_535), label(name)])
const mdns = multicastDns({ port, interface: '127.0.0.1', bind: '0.0.0.0' })
await once(mdns, 'ready')
const at = { ...interfaceOfHost(1), address: '127.0.0.1' }
const socket = createSocket({ type: 'udp4', reuseAddr: true }).bind(0, '0.0.0.0')
await once(socket, 'listening')
socket.setMulticastInterface('127.0.0.1')
const sent = (bytes: Buffer) => (done: () => void) => socket.send(bytes, port, GROUP, done)
const short = pointerChain(1_400)
const long = pointerChain(60_000)
const kinds: readonly ((done: () => void, i: number) => void)[] = [
  (done, i) => mdns.respond({ answers: serviceRecords(serviceOf(`x${i}`, i), at) as never }, done),
  done => mdns.query({ questions: [{ type: 'PTR', name: SERVICE }] }, done),
  sent(short),
  sent(long),
  sent(loop),
  sent(claims),
  sent(long),
  (done, i) => sent(short.subarray(0, i % short.length))(done),
]
const input = createInterface(process.stdin)
for (let i = 0; i < DATAGRAMS; i++) {
  await new Promise<void>(resolve => kinds[i % kinds.length]?.(resolve, i))
  if ((i + 1) % BATCH > 0) continue
  console.log('batch')
  await once(input, 'line')
}
input.close()
socket.close()
mdns.destroy()
console.log('sent')
