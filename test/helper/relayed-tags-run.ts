// Somebody who is in no room relays what two members of one say on their connections to them: `relayed-tags-run <mutation | none>`.
// Prints how many of 64 attempts opened a channel.
import { Duplex } from 'node:stream'
import { TAG_BUGS } from '../net/tag-bugs.js'
import { mutantOf } from './mutant.js'

type SeededRandomModule = typeof import('../../src/base/seeded-random.js')
type MultiplexerModule = typeof import('../../src/net/channels/multiplexer.js')

const [name] = process.argv.slice(2)
const bug = TAG_BUGS.find(bug => bug.name === name)
if (bug === undefined && name !== 'none') throw new Error(`no such mutation: ${name}`)
const program = bug === undefined ? new URL('.', import.meta.url) : mutantOf(bug)
const load = (file: string) => import(new URL(file, program).href)
const { SeededRandom } = (await load('../../src/base/seeded-random.js')) as SeededRandomModule
const { Multiplexer } = (await load('../../src/net/channels/multiplexer.js')) as MultiplexerModule

const ROLES = ['dialler', 'listener'] as const

/** An end of a connection in memory, whose bytes go where the relay sends them. */
class RelayedConnection extends Duplex {
  readonly remoteAddress = '10.0.0.2'
  readonly bytesRead = 0
  other: RelayedConnection | undefined

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.other?.push(chunk)
    done()
  }
}

/** Whether the relay between a member in one role, and another member in any, gets a channel of the room. */
async function isOpened(seed: number): Promise<boolean> {
  const random = new SeededRandom(seed, 'relay')
  const room = random.bytes(32)
  // Two connections of the relay: each has a handshake of its own.
  const [alice, bob] = [0, 1].map(index => {
    const connection = new RelayedConnection()
    const role = ROLES[index === 0 ? seed % 2 : (seed >> 1) % 2] ?? 'dialler'
    return { connection, multiplexer: new Multiplexer(connection, { role, handshakeHash: random.bytes(64), random }) }
  })
  if (alice === undefined || bob === undefined) return false
  alice.connection.other = bob.connection
  bob.connection.other = alice.connection
  for (const { multiplexer } of [alice, bob]) multiplexer.offer([room])
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  // The relay can also send back to a member what they said themselves.
  alice.connection.other = alice.connection
  alice.multiplexer.offer([random.bytes(32)])
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  return alice.multiplexer.size + bob.multiplexer.size > 0
}

let opened = 0
for (let seed = 0; seed < 64; seed++) if (await isOpened(seed)) opened++
console.log(opened)
