import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import test from 'node:test'
import { homeOf } from '../../src/node/paths.js'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

const BOUND = { timeout: 300_000 }

test(
  'a terminal opens several rooms, counts unread messages in hidden ones, and goes to the room with the most',
  BOUND,
  async t => {
    const me = `a${randomBytes(4).toString('hex')}`
    const [a = '', b = '', c = ''] = await localAddresses(3)
    const data = await temporaryDirectory(t)
    const args = [me, '--listen', a, '--no-discovery', '--data', data]
    const alice = await TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args])
    await alice.waitFor('#lobby · alone')
    await alice.enter('/join #ops')
    await alice.waitFor('── #ops ──')
    await alice.waitFor('#ops, 1 #lobby · alone')
    await alice.type('half a line')
    await alice.press('M-1')
    await alice.waitFor('#lobby, 2 #ops · alone')

    const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
    const carol = await openChat(t, { me: 'carol', listen: c, peers: [a], data })
    bob.type('hello ops')
    await alice.waitFor('#lobby, 2 #ops 1 · 1 connected: carol')
    bob.type(`${me}: look at this`)
    await alice.waitFor('#lobby, 2 #ops 2» · 1 connected: carol')
    await alice.enter('/rooms')
    await alice.waitFor('2  #ops')
    await alice.waitFor('2 unread, 1 mention you')
    carol.type('in the lobby')
    await alice.waitFor('carol │ in the lobby')

    await alice.press('M-a')
    const rows = await alice.waitFor('look at this')
    assert.ok(
      rows.some(row => row.includes('2 new')),
      rows.join('\n'),
    )
    await alice.waitFor('#ops, 1 #lobby · 1 connected: bob')
    await alice.waitFor(`${me}> half a line`)
    await alice.press('Enter')
    await bob.waitForLine(`${me}> half a line`)
    carol.type('nobody looks here')
    await alice.waitFor('#ops, 1 #lobby 1 · 1 connected: bob')

    await alice.enter('/leave')
    await alice.waitFor('carol │ nobody looks here')
    await alice.waitFor('#lobby · 1 connected: carol')
    await alice.enter('/leave')
    await alice.waitFor('#lobby is the only open room: /quit ends the chat')
    await alice.press('C-c')
    assert.equal(await alice.ended(), 0)
    const listed = startChat(t, ['rooms', me, '--data', data, '--json'])
    await listed.exited
    const rooms = listed.stdout.map(line => JSON.parse(line))
    assert.deepEqual(
      rooms.map(({ room, kind, open, members, unread, mentions }) => ({ room, kind, open, members, unread, mentions })),
      [
        { room: 'lobby', kind: 'public', open: false, members: 1, unread: 0, mentions: 0 },
        { room: 'ops', kind: 'public', open: false, members: 2, unread: 0, mentions: 0 },
      ],
      listed.transcript(),
    )
    const log = startChat(t, ['log', me, '--room', 'ops', '--data', data])
    await log.exited
    assert.deepEqual(log.stdout, ['bob> hello ops', `bob> ${me}: look at this`, `${me}> half a line`])
  },
)

test('a terminal reopens its rooms at each start, until the user leaves them', BOUND, async t => {
  const me = `a${randomBytes(4).toString('hex')}`
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const args = [me, '--listen', a, '--no-discovery', '--data', data]
  const start = (...options: string[]): Promise<TerminalWindow> =>
    TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, ...args, ...options])
  const quit = async (window: TerminalWindow): Promise<void> => {
    await window.press('C-c')
    assert.equal(await window.ended(), 0)
  }
  const first = await start()
  await first.waitFor('#lobby · alone')
  await first.enter('/join ops')
  await first.waitFor('#ops, 1 #lobby · alone')
  await first.enter('/join dev')
  await first.waitFor('#dev, 1 #lobby, 2 #ops · alone')
  await quit(first)

  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', 'ops'] })
  bob.type('while you were away')
  const second = await start()
  await second.waitFor('#lobby, 2 #ops 1, 3 #dev · alone')
  await second.press('M-2')
  await second.waitFor('while you were away')
  await second.waitFor('#ops, 1 #lobby, 3 #dev · 1 connected: bob')
  await second.enter('/leave')
  await second.waitFor('#lobby, 2 #dev · alone')
  await quit(second)

  const third = await start('--room', 'tools')
  await third.waitFor('#tools, 2 #lobby, 3 #dev · alone')
  await quit(third)

  const lines = await openChat(t, { me, listen: a, data })
  lines.type('in lines')
  await lines.waitForLine(`${me}> in lines`)
  const status = startChat(t, ['status', me, '--data', data, '--json'])
  await status.exited
  const { rooms } = JSON.parse(status.stdout.join('\n'))
  assert.deepEqual(
    rooms.map(({ room }: { room: string }) => room),
    ['lobby'],
  )
  await lines.stop()

  const { database } = homeOf(data, me, 'dev')
  await rm(database, { recursive: true })
  await writeFile(database, 'not a database')
  const fourth = await start()
  await fourth.waitFor('#lobby, 2 #tools · alone')
  await fourth.waitFor('#dev is not open: ')
  await quit(fourth)
})
