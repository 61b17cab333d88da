import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { systemClock } from '../../../src/base/clock.js'
import { systemRandom } from '../../../src/base/random.js'
import { FrameReader, frame } from '../../../src/base/wire/frames.js'
import { askNode, connectFace, OlderNode } from '../../../src/host/client/connect.js'
import { CODEC_VERSION, type Fields, jsonBody, readHostFrame } from '../../../src/host/protocol/codec.js'
import { challengeFields, challengeOf, type Hello, helloFields, nonceOf } from '../../../src/host/protocol/handshake.js'
import { UNACKNOWLEDGED_MAX } from '../../../src/host/protocol/limits.js'
import { loadSecret, readSecret, type Secret } from '../../../src/host/protocol/secret.js'
import { connectTo, listenAt } from '../../../src/host/protocol/socket.js'
import type { AuthorId, Run, Seq } from '../../../src/log/format/author.js'
import { HostMachine, LOBBY_OPTIONS } from '../../helper/host-machine.js'
import { temporaryDirectory } from '../../helper/temporary-directory.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const BOUND = { timeout: 300_000 }
const LINE = { author: 'aa'.repeat(32) as AuthorId, run: 0 as Run, seq: 1 as Seq }
const CLIENT = new Uint8Array(16).fill(7)

const hello: Hello = {
  version: CODEC_VERSION,
  purpose: 'face',
  pid: 1,
  client: CLIENT,
  options: LOBBY_OPTIONS,
  isBack: false,
}

/** A connection that has answered the challenge, and what the node sends to it. */
async function greeted(t: TestContext, machine: HostMachine, asked: Partial<Hello> = {}) {
  const socket = await machine.socket()
  t.after(() => void socket.destroy())
  const reader = new FrameReader(2 ** 22)
  const secret = (await readSecret(machine.directory)) ?? assert.fail('there is no secret')
  let wake = (): void => {}
  socket.on('data', bytes => {
    reader.push(bytes)
    wake()
  })
  const next = async (): Promise<Fields> => {
    for (;;) {
      const read = reader.next()
      if (read.kind === 'bad') assert.fail(read.reason)
      if (read.kind === 'frame') {
        const known = readHostFrame(read.body)
        if (known?.kind === 'json') return known.value
        continue
      }
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  const challenge = challengeOf(await next()) ?? assert.fail('no challenge')
  const nonce = nonceOf(systemRandom)
  socket.write(frame(jsonBody(helloFields({ ...hello, ...asked }, secret, challenge.nonce, nonce))))
  return { socket, next, challenge, nonce, secret }
}

const closed = (socket: NodeJS.EventEmitter): Promise<unknown> => new Promise(resolve => socket.once('close', resolve))

test('restricts the socket to its owner, and replaces one that a crash left', BOUND, async t => {
  const home = await temporaryDirectory(t)
  const file = path.join(home, 'node.sock')
  assert.equal(await connectTo(home, systemClock), undefined)
  const stop = await listenAt(home, socket => void socket.end())
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  ;(await connectTo(home, systemClock))?.destroy()
  await chmod(file, 0o666)
  assert.equal(await connectTo(home, systemClock), undefined, 'rejects a socket to which others have access')
  const again = await listenAt(home, socket => void socket.end())
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await stop()
  await again()
  await writeFile(file, 'a file of the user')
  await assert.rejects(listenAt(home, () => {}))
  assert.equal(await connectTo(home, systemClock), undefined)
})

test('finds a home by any path, even one that is too long for a socket', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const home = path.join(directory, 'x'.repeat(60), 'y'.repeat(60))
  await mkdir(home, { recursive: true })
  const short = path.join(directory, 'short')
  await symlink(home, short)
  for (const [one, other] of [
    [home, short],
    [short, home],
  ] as const) {
    const stop = await listenAt(one, socket => void socket.end())
    for (const name of [one, other]) {
      const socket = await connectTo(name, systemClock)
      assert.ok(socket, name)
      socket.destroy()
    }
    await stop()
  }
})

test('closes connections that do not prove knowledge of the secret', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const other = await loadSecret(await temporaryDirectory(t))
  const wrong = (challenge: { nonce: string }): Fields[] => {
    const nonce = nonceOf(systemRandom)
    const right = (secret: Secret): Fields => helloFields(hello, secret, challenge.nonce, nonce)
    return [right(other), { ...right(other), proof: challenge.nonce }, { do: 'hello' }, { do: 'say', number: 1 }]
  }
  for (let index = 0; index < 4; index++) {
    const socket = await machine.socket()
    const reader = new FrameReader(2 ** 20)
    const [bytes] = (await once(socket, 'data')) as [Uint8Array]
    reader.push(bytes)
    const read = reader.next()
    const value = read.kind === 'frame' ? readHostFrame(read.body) : undefined
    const challenge = challengeOf(value?.kind === 'json' ? value.value : {}) ?? assert.fail('no challenge')
    const gone = closed(socket)
    const sent: unknown[] = []
    socket.on('data', more => sent.push(more))
    socket.write(frame(jsonBody(wrong(challenge)[index] ?? assert.fail())))
    await gone
    assert.deepEqual(sent, [])
  }
  await face.say('still here')
})

test('rejects a proof of another connection, and the proof of the other side', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const first = await greeted(t, machine)
  const welcome = await first.next()
  assert.equal(welcome['is'], 'opening')
  const { secret, challenge, nonce } = first
  assert.ok(secret.isProof(welcome['proof'], 'node', challenge.nonce, nonce))
  assert.ok(!secret.isProof(welcome['proof'], 'face', challenge.nonce, nonce))
  assert.ok(!secret.isProof(welcome['proof'], 'node', nonce, challenge.nonce))
  const replayed = await machine.socket()
  const gone = closed(replayed)
  replayed.resume().write(frame(jsonBody(helloFields(hello, secret, challenge.nonce, nonce))))
  await gone
})

test('does not attach to a node that does not know the secret', BOUND, async t => {
  const home = await temporaryDirectory(t)
  await loadSecret(home)
  const answers: Fields[] = [
    { is: 'welcome', proof: 'a'.repeat(64) },
    { is: 'refused', proof: 'a'.repeat(64), message: 'planted' },
    { is: 'opening' },
    { is: 'state' },
  ]
  for (const answer of answers) {
    const heard: string[] = []
    const stop = await listenAt(home, socket => {
      socket.on('error', () => {})
      socket.write(frame(jsonBody(challengeFields(CODEC_VERSION, nonceOf(systemRandom)))))
      socket.on('data', bytes => {
        heard.push(bytes.toString())
        socket.write(frame(jsonBody(answer)))
      })
    })
    await assert.rejects(
      connectFace({ me: 'alice', directory: home }, { client: CLIENT, options: LOBBY_OPTIONS, isBack: false }),
      { code: 'NODE_UNUSABLE', message: /is not the node of alice/ },
    )
    assert.equal(heard.length, 1)
    await stop()
  }
})

test('closes only the connection that sent a malformed frame', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  const bad: Uint8Array[] = [
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff),
    frame(Uint8Array.of(9)),
    frame(Buffer.from('\u0001{')),
    frame(jsonBody([])),
    frame(jsonBody({ do: 'nothing' })),
    frame(jsonBody({ do: 'say', first: 1, acknowledged: 0 })),
    frame(jsonBody({ do: 'say', first: 0, acknowledged: 0, drafts: ['x'] })),
    frame(jsonBody({ do: 'say', first: 1, drafts: ['x'] })),
    frame(jsonBody({ do: 'say', first: 1, acknowledged: 1, drafts: ['x'] })),
    frame(jsonBody({ do: 'say', first: UNACKNOWLEDGED_MAX + 1, acknowledged: 0, drafts: ['x'] })),
    frame(jsonBody({ do: 'say', first: UNACKNOWLEDGED_MAX, acknowledged: 0, drafts: ['x', 'y'] })),
    frame(jsonBody({ do: 'say', first: 2 ** 32, acknowledged: 2 ** 32 - 1, drafts: ['x'] })),
    frame(jsonBody({ do: 'say', first: 1, acknowledged: 0, drafts: ['x', { kind: 'text', text: 5 }] })),
    frame(jsonBody({ do: 'acknowledge', acknowledged: -1 })),
    frame(jsonBody({ do: 'read', id: 1, options: { since: [['x', -1]] } })),
    frame(jsonBody({ do: 'ping', id: -1 })),
    frame(jsonBody({ do: 'link', peer: 5 })),
  ]
  for (const bytes of bad) {
    const { socket } = await greeted(t, machine)
    const gone = closed(socket)
    socket.resume().write(bytes)
    await gone
  }
  await face.say('still here')
})

test('sends little ahead to a face that requests and does not read, and keeps serving others', BOUND, async t => {
  const machine = await HostMachine.open(t)
  const face = await machine.face(t)
  await Promise.all(Array.from({ length: 600 }, (_, line) => face.say(`${line} ${'x'.repeat(4_000)}`)))
  const { socket, next } = await greeted(t, machine)
  for (let value = await next(); value['is'] !== 'state'; ) value = await next()
  socket.pause()
  for (let id = 1; id <= 40; id++) socket.write(frame(jsonBody({ do: 'read', id, options: { live: true } })))
  for (let index = 0; index < 40; index++) await face.say(`meanwhile ${index}`)
  let bytes = 0
  socket.on('data', chunk => {
    bytes += chunk.length
  })
  socket.resume()
  await face.say('still here')
  await new Promise(resolve => setTimeout(resolve, 200))
  assert.ok(bytes < 40 * 8 * 160 * 1024, `${bytes} bytes were sent ahead`)
})

test('drops notices for a face with a mebibyte unread, and sends a resync when it reads again', BOUND, async t => {
  const machine = await HostMachine.open(t)
  await machine.face(t)
  const { socket, next } = await greeted(t, machine)
  for (let value = await next(); value['is'] !== 'state'; ) value = await next()
  socket.pause()
  const node = [...(machine.node?.sockets ?? [])].at(-1) ?? assert.fail()
  const presence: object[] = []
  Object.defineProperty(machine.peer, 'presence', { get: () => presence })
  for (let change = 0; change < 200; change++) {
    presence[0] = { name: `${change}`.padEnd(32 * 1024, 'x'), state: 'heard', isTyping: false, hops: 1 }
    machine.peer.emit('presence')
    await new Promise(resolve => setTimeout(resolve, 32))
    if (node.writableLength > 1024 * 1024) break
  }
  machine.peer.emit('presence')
  await new Promise(resolve => setTimeout(resolve, 100))
  const unread = node.writableLength
  assert.ok(unread > 1024 * 1024 && unread < 1.2 * 1024 * 1024, `${unread} bytes wait`)
  socket.resume()
  let value = await next()
  while (value['is'] !== 'resync') value = await next()
  const state = await next()
  assert.equal(state['is'], 'state')
  assert.deepEqual(state['presence'], presence)
})

test('replaces a node of a lower major version, and does not attach to one of a higher version', BOUND, async t => {
  const machine = await HostMachine.open(t, { codec: { major: 3, minor: 0 } })
  await machine.start()
  const at = (major: number) => ({ me: 'alice', directory: machine.directory, codec: { major, minor: 7 } })
  const face = { client: CLIENT, options: LOBBY_OPTIONS, isBack: false }
  const same = (await connectFace(at(3), face)) ?? assert.fail('it refuses the same version')
  await assert.rejects(connectFace(at(2), face), { code: 'NODE_UNUSABLE', message: /newer version/ })
  assert.equal(await askNode(at(2), 'replace'), undefined, 'an older program never ends a newer node')
  await assert.rejects(connectFace(at(4), face), OlderNode)
  let reason = ''
  same.on('end', why => {
    reason = why
  })
  same.start()
  const { ended } = machine.node ?? assert.fail()
  await (await askNode(at(4), 'replace'))?.closed
  assert.deepEqual([await ended, reason], ['replaced', 'replaced'])
})

test('says in one line that a node is too old for files', BOUND, async t => {
  const machine = await HostMachine.open(t, { codec: { major: 3, minor: 0 } })
  const face = await machine.face(t)
  const older = { code: 'NODE_UNUSABLE', message: /^alice runs in an older version of persisted-chat, [^\n]+$/ }
  await assert.rejects(face.storeFile('photo.jpg'), older)
  await assert.rejects(face.getFile(LINE, machine.directory), older)
})

test('does not reach a node that has ended, or a socket without a node', BOUND, async t => {
  const home = await temporaryDirectory(t)
  const server = net.createServer().listen(path.join(home, 'node.sock'))
  await once(server, 'listening')
  t.after(() => void server.close())
  const at = { me: 'alice', directory: home }
  assert.equal(await askNode(at, 'status'), undefined, 'without a secret no node has run here')
  const machine = await HostMachine.open(t)
  await machine.start()
  const waiting = (await machine.socket()).resume()
  const gone = closed(waiting)
  await machine.node?.server.end('stopped')
  await gone
  assert.equal(await askNode({ me: 'alice', directory: machine.directory }, 'status'), undefined)
})

test('ends a second after the last face disconnected without a goodbye, unless it returns', BOUND, async t => {
  const clock = new VirtualClock()
  const machine = await HostMachine.open(t, { clock })
  const { socket, next } = await greeted(t, machine)
  for (let value = await next(); value['is'] !== 'state'; ) value = await next()
  const { ended, server } = machine.node ?? assert.fail()
  const faces = () => server.status.rooms.map(each => each.faces)
  const hasFaces = async (count: number): Promise<void> => {
    while (faces()[0] !== count) await new Promise(setImmediate)
  }
  socket.destroy()
  await hasFaces(0)
  clock.advance(999)
  const back = await greeted(t, machine, { isBack: true })
  for (let value = await back.next(); value['is'] !== 'state'; ) value = await back.next()
  clock.advance(500)
  assert.deepEqual(faces(), [1])
  back.socket.destroy()
  await hasFaces(0)
  clock.advance(999)
  assert.deepEqual(faces(), [0])
  clock.advance(1)
  assert.equal(await ended, 'idle')
})
