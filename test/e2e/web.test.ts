import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import test from 'node:test'
import { homeOf } from '../../src/node/paths.js'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { encoded, painted } from '../helper/pictures.js'
import { localAddresses } from '../helper/ports.js'
import { nodePid } from '../helper/running-node.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'
import { WebPage } from '../helper/web-page.js'
import { openWebPage, startWeb } from '../helper/web-process.js'

const BOUND = { timeout: 300_000 }

test('prints the address of its page; a second process prints the same one', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const args = ['alice', '--listen', a, '--no-discovery', '--data', data]
  const { child, url } = await startWeb(t, args)
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/)
  const page = await fetch(url)
  assert.match(await page.text(), /<!doctype html>/i)
  const record = path.join(homeOf(data, 'alice').directory, 'web')
  assert.equal((await stat(record)).mode & 0o777, 0o600)

  const second = startChat(t, ['web', ...args, '--json'])
  assert.equal(JSON.parse(await second.waitForLine('{')).url, url)
  assert.equal((await second.exited).code, 0)
  const chat = startChat(t, [...args, '--web'])
  assert.equal(await chat.waitForLine('http://'), url)
  assert.equal((await chat.exited).code, 0)

  assert.equal(await child.stop('SIGINT'), 0)
  assert.ok(!existsSync(record))
  await assert.rejects(fetch(url))
})

test('shows its token to nobody but the user', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const { child, url } = await startWeb(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const [, token = ''] = url.split('#')
  const page = await WebPage.open(url)
  for (const pid of await readdir('/proc')) {
    const line = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : ''
    assert.ok(!line.includes(token), line)
  }
  const { directory } = homeOf(data, 'alice')
  const holding: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && (await readFile(path.join(entry.parentPath, entry.name))).includes(token))
      holding.push(entry.name)
  assert.deepEqual(holding, ['web'])
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
  assert.deepEqual(
    child.stderr.filter(line => line.includes(token)),
    [],
  )
})

test('another user of the machine gets neither the token nor anything without it', {
  ...BOUND,
  skip: process.getuid?.() !== 0 && 'only root can run a program as another user',
}, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const { child, url } = await startWeb(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const record = path.join(homeOf(data, 'alice').directory, 'web')
  const program = `
    const { readFileSync } = require('node:fs')
    const { request } = require('node:http')
    try { console.log('record ' + readFileSync(${JSON.stringify(record)})) } catch ({ code }) { console.log('record ' + code) }
    const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', origin: ${JSON.stringify(new URL(url).origin)} }
    request('${new URL(url).origin}/socket', { headers }).on('upgrade', (_, socket) => {
      let bytes = 0
      socket.on('data', data => { bytes += data.length })
      socket.on('close', () => console.log('socket ' + bytes))
    }).end()`
  const other = new Child(t, process.execPath, { args: ['-e', program], uid: 65_534, cwd: '/' })
  assert.equal(await other.waitForLine('record'), 'record EACCES')
  // A close frame with its code, after the time for the token.
  assert.equal(await other.waitForLine('socket'), 'socket 4')
  assert.match(await readFile(record, 'utf8'), /token/, 'control')
  assert.equal(await child.stop('SIGINT'), 0)
})

test('replaces a stale record, even if another program uses its port', BOUND, async t => {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const args = ['alice', '--listen', a, '--no-discovery', '--data', data]
  const first = await startWeb(t, args)
  assert.equal(await first.child.stop('SIGKILL'), null)
  const record = path.join(homeOf(data, 'alice').directory, 'web')
  assert.ok(existsSync(record))
  const asked: string[] = []
  const other = createServer(({ url = '' }, response) => {
    asked.push(url)
    response.end('x'.repeat(43))
  })
  other.listen(Number(new URL(first.url).port), '127.0.0.1')
  t.after(() => void other.close())
  await once(other, 'listening')
  const second = await startWeb(t, args)
  assert.notEqual(second.url, first.url)
  assert.ok(asked.length > 0 && asked.every(url => /^\/alive\/[\w-]{32}$/.test(url)), asked.join())
  await writeFile(record, '{"address":"http://evil.example/","token":7}')
  const third = await startWeb(t, args)
  assert.notEqual(third.url, second.url)
  for (const { child } of [second, third]) assert.equal(await child.stop('SIGINT'), 0)
})

test('reports a port that is in use', BOUND, async t => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  t.after(() => void other.close())
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const data = await temporaryDirectory(t)
  const web = startChat(t, ['web', 'alice', '--listen', '0', '--no-discovery', '--data', data, '--port', String(port)])
  assert.equal((await web.exited).code, 1)
  assert.match(web.stderr.join('\n'), new RegExp(`port ${port} is in use. Choose another --port`))
})

test('talks with a terminal', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bobs = await temporaryDirectory(t)
  const { page, child } = await openWebPage(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const bob = await TerminalWindow.open(t, [
    process.execPath,
    CHAT_PROGRAM,
    ...['bob', a, '--listen', b, '--no-discovery', '--data', bobs],
  ])
  await bob.waitFor('1 connected: alice')
  await page.stateWith(({ isConnected, people }) => isConnected && people.some(({ person }) => person.name === 'bob'))

  await page.say('hello, how are you?')
  await bob.waitFor('alice │ hello, how are you?')
  const delivered = await page.line('hello, how are you?', ({ delivery }) => delivery?.isDelivered === true)
  assert.match(delivered.delivery?.text ?? '', /delivered to (1 of 1 peers|1 stranger)/)

  await bob.enter(`/re ${delivered.label} fine, alice`)
  const reply = await page.line('fine, alice')
  assert.deepEqual(
    [reply.form, reply.about?.id, reply.isMention, reply.author.name],
    ['reply', delivered.id, true, 'bob'],
  )
  await bob.enter(`/react ${delivered.label} 🎉`)
  await page.line(delivered.text, ({ reactions }) => reactions[0]?.emoji === '🎉' && !reactions[0].isOwn)
  await page.ask('edit', { room: 'lobby', line: delivered.id, text: 'hello, how are you today?' })
  await bob.waitFor('how are you today?')
  const { holders } = await page.ask('where', { room: 'lobby', line: delivered.id })
  assert.equal(holders.length, 1)

  const bytes = Uint8Array.from({ length: 1_500_000 }, (_, index) => (index * 31) % 251)
  await page.upload('lobby', 'data.bin', bytes)
  await bob.waitFor('sends data.bin (1.5 MB)')
  const file = await page.line('', row => row.file !== undefined)
  const fetched = await page.bytesOf('download', { room: 'lobby', line: file.id, isConfirmed: false })
  assert.ok(Buffer.from(bytes).equals(fetched))

  const { found } = await page.ask('search', { room: 'lobby', text: 'from:bob fine' })
  assert.deepEqual(
    found.map(({ row }) => row.id),
    [reply.id],
  )

  await page.ask('delete', { room: 'lobby', line: delivered.id })
  assert.equal(page.rows.get(delivered.id)?.kind, 'gap')
  await bob.waitFor(`deletes ${delivered.label}`)

  const { room } = await page.ask('room-new', { name: 'secret', isClosed: false, hasRescue: true })
  assert.equal(room, 'secret')
  await page.select('secret')
  const invitation = await page.ask('invite', { room, uses: 1, forMs: 3_600_000 })
  assert.ok(invitation.qr.length > 20 && invitation.qr.every(row => /^[01]+$/.test(row)))
  await bob.enter(`/join ${invitation.code}`)
  await bob.waitFor('── #secret ──')
  await page.stateWith(({ isConnected }) => isConnected)
  await bob.enter('just the two of us')
  await page.line('just the two of us')
  const { members } = await page.ask('members', { room })
  assert.deepEqual(members.map(({ name, role }) => [name, role]).sort(), [
    ['alice', 'founder'],
    ['bob', 'host'],
  ])
  const [alice] = members.filter(({ isOwn }) => isOwn)
  assert.equal(members.find(({ name }) => name === 'bob')?.by, alice?.key)
  const { invitations } = await page.ask('invites', { room })
  assert.deepEqual(
    invitations.map(({ uses, admitted }) => [uses, admitted]),
    [[1, ['bob']]],
  )
  await page.said('rooms', ({ rooms }) => rooms.some(({ name, kind }) => name === 'secret' && kind === 'private'))

  // Unread messages of another room are counted until the room is read.
  await bob.enter('/join lobby')
  await bob.waitFor('── #lobby ──')
  await bob.enter('alice: are you here?')
  const { rooms } = await page.said('rooms', said =>
    said.rooms.some(({ name, mentions }) => name === 'lobby' && mentions === 1),
  )
  assert.ok(rooms.some(({ name, unread }) => name === 'lobby' && unread >= 1))
  assert.equal((await page.said('ring')).room, 'lobby')
  await page.select('lobby')
  const asked = await page.line('alice: are you here?')
  const from = page.messages.length
  await page.ask('read', { room: 'lobby', line: asked.id })
  await page.said('rooms', said => said.rooms.some(({ name, unread }) => name === 'lobby' && unread === 0), from)

  await bob.press('C-c')
  await page.stateWith(({ isConnected }) => !isConnected)
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})

test('tells the page at once that somebody asks to talk, and that they were answered', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const { page, child } = await openWebPage(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const bob = await openWebPage(t, ['bob', a, '--listen', b, '--no-discovery', '--data', data])
  const { people } = await bob.page.stateWith(state => state.people.some(({ person }) => person.name === 'alice'))
  await bob.page.say(`/accept alice ${people[0]?.person.key?.slice(0, 8)}`)
  const { room } = await bob.page.ask('direct', { who: 'alice' })
  await bob.page.select(room)
  await bob.page.say('may I?')
  await page.said('rooms', ({ asking }) => asking === 1)
  const from = page.messages.length
  const { asking } = await page.ask('asking', {})
  const [{ key, name } = assert.fail('nobody asks')] = asking
  await page.ask('decline', { key, name })
  await page.said('rooms', said => said.asking === 0, from)
  await Promise.all([page.close(), bob.page.close()])
  assert.deepEqual(await Promise.all([child.stop('SIGINT'), bob.child.stop('SIGINT')]), [0, 0])
})

test('scales pictures down, and shows those of strangers only when asked', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const { page, child } = await openWebPage(t, ['alice', '--listen', a, '--no-discovery', '--data', data])
  const photo = await encoded('jpeg', painted(400, 240))
  await page.upload('lobby', 'own.jpg', photo)
  const own = await page.line('', row => row.file?.name === 'own.jpg')
  assert.deepEqual([own.file?.isPicture, own.file?.isShownUnasked], [true, true])
  const at = { room: 'lobby', line: own.id, width: 100, height: 100 }
  const png = await page.bytesOf('picture', at)
  assert.equal(Buffer.from(png.subarray(1, 4)).toString(), 'PNG')
  const view = new DataView(png.buffer, png.byteOffset)
  assert.deepEqual([view.getUint32(16), view.getUint32(20)], [100, 60])

  const bobs = await temporaryDirectory(t)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data: bobs, options: ['--json'] })
  for (const [name, bytes] of [
    ['theirs.jpg', photo],
    ['broken.png', Buffer.from('no picture')],
  ] as const) {
    await writeFile(path.join(bobs, name), bytes)
    bob.type(JSON.stringify({ kind: 'file', path: path.join(bobs, name), raw: true }))
  }
  const theirs = await page.line('', row => row.file?.name === 'theirs.jpg')
  assert.deepEqual([theirs.author.isKnown, theirs.file?.isShownUnasked], [false, false])
  assert.ok((await page.bytesOf('picture', { ...at, line: theirs.id })).length > 100)
  const broken = await page.line('', row => row.file?.name === 'broken.png')
  await assert.rejects(page.bytesOf('picture', { ...at, line: broken.id }), /not shown/)
  await page.close()
  assert.equal(await child.stop('SIGINT'), 0)
})

test('tells the page when the node is killed, and continues with the next one', BOUND, async t => {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const bob = await openChat(t, { me: 'bob', listen: b, data })
  const { page, child } = await openWebPage(t, ['alice', b, '--listen', a, '--no-discovery', '--data', data])
  await page.stateWith(({ isConnected }) => isConnected)
  const node = (await nodePid({ me: 'alice', data })) ?? assert.fail('no node runs')
  process.kill(node, 'SIGKILL')
  await page.said('node', said => said.node.state === 'silent')
  const from = page.messages.findIndex(each => each.kind === 'node' && each.node.state === 'silent')
  await page.say('said to nobody')
  await page.said('node', said => said.node.state === 'here', from)
  await page.line('said to nobody')
  await bob.waitForLine('alice> said to nobody')
  assert.equal(bob.stdout.filter(line => line.includes('said to nobody')).length, 1)

  const stop = startChat(t, ['stop', 'alice', '--data', data])
  await page.said('node', said => said.node.state === 'ended')
  assert.equal((await page.said('bye')).isEnded, true)
  assert.equal((await stop.exited).code, 0)
  assert.equal((await child.exited).code, 0)
})
