import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

const BOUND = { timeout: 600_000 }
/** Rooms that a node has open at once. */
const OPEN_ROOMS_MAX = 32

test(
  'lines arrive in rooms that were parked to open others, and in a parked private room when a member connects',
  BOUND,
  async t => {
    const me = `a${randomBytes(4).toString('hex')}`
    const [a = '', b = ''] = await localAddresses(2)
    const data = await temporaryDirectory(t)
    const run = async (...args: readonly string[]): Promise<readonly string[]> => {
      const child = startChat(t, [...args, '--data', data])
      const { code } = await child.exited
      assert.equal(code, 0, child.transcript())
      return child.stdout
    }
    const rooms = async (): Promise<readonly { readonly room: string; readonly open: boolean }[]> =>
      JSON.parse((await run('status', me, '--json')).join('\n')).rooms
    await run('room', 'new', me, 'private', '--no-rescue')
    const [code = ''] = await run('invite', me, 'private')
    const alice = await TerminalWindow.open(t, [
      ...[process.execPath, CHAT_PROGRAM, me, '--listen', a, '--no-discovery', '--data', data],
    ])
    await alice.waitFor('#lobby · alone')
    for (const room of ['private', 'public']) {
      await alice.enter(`/join ${room}`)
      await alice.waitFor(`── #${room} ──`)
    }
    await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
    const open = (room: string) => openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', room] })
    const inPublic = await open('public')
    await alice.waitFor('1 connected: bob')
    for (let index = 0; index < OPEN_ROOMS_MAX; index++) {
      await alice.enter(`/join r${index}`)
      await alice.waitFor(`── #r${index} ──`)
    }
    const parked = (await rooms()).flatMap(({ room, open }) => (open ? [] : [room]))
    assert.deepEqual(parked.sort(), ['lobby', 'private', 'public'])

    inPublic.type('in a room that was closed')
    const inPrivate = await open('private')
    inPrivate.type('from a member who connects')
    inPrivate.type('and says more')
    await alice.waitFor('#r31, 1 #lobby, 2 #private 2, 3 #public 1,')
    await alice.press('M-a')
    await alice.waitFor('and says more')
    await alice.press('M-a')
    await alice.waitFor('in a room that was closed')
    await alice.enter('heard')
    await inPublic.waitForLine(`${me}> heard`)
    assert.equal((await rooms()).filter(({ open }) => open).length, OPEN_ROOMS_MAX)
    await alice.press('C-c')
    assert.equal(await alice.ended(), 0)
  },
)
