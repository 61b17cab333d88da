import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

const BOUND = { timeout: 300_000 }
/** Longest time from the display of a line in one face until no other face counts it as unread. */
const READ_MS_MAX = 1_000
const ROOMS = ['ops', 'plans'] as const
/** The rooms in the status row, without counts. */
const ALL_READ = /#lobby, 2 #ops, 3 #plans(?! \d)/
const READERS = ['terminal', 'plain', 'json'] as const

test('what the user has read in one face counts as unread in none, within a second', BOUND, async t => {
  const me = `a${randomBytes(4).toString('hex')}`
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const run = async (...args: readonly string[]): Promise<readonly string[]> => {
    const child = startChat(t, [...args, '--data', data])
    assert.equal((await child.exited).code, 0, child.transcript())
    return child.stdout
  }
  const unread = async (): Promise<Readonly<Record<string, number>>> => {
    const rooms = (await run('rooms', me, '--json')).map(line => JSON.parse(line))
    return Object.fromEntries(rooms.map(({ room, unread }) => [room, unread]))
  }
  await run('room', 'new', me, 'plans', '--no-rescue')
  const [code = ''] = await run('invite', me, 'plans')
  const terminal = (): Promise<TerminalWindow> =>
    TerminalWindow.open(t, [process.execPath, CHAT_PROGRAM, me, '--listen', a, '--no-discovery', '--data', data])
  const first = await terminal()
  await first.waitFor('#lobby · alone')
  for (const room of ROOMS) {
    await first.enter(`/join ${room}`)
    await first.waitFor(`── #${room} ──`)
  }
  await first.press('M-1')
  await first.waitFor(ALL_READ)
  const second = await terminal()
  await second.waitFor('#lobby')
  for (const room of ROOMS) {
    await second.enter(`/join ${room}`)
    await second.waitFor(`── #${room} ──`)
  }
  await second.press('M-1')
  await second.waitFor(ALL_READ)
  await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
  const open = (room: string) => openChat(t, { me: 'bob', listen: b, peers: [a], data, options: ['--room', room] })
  const bob = { ops: await open('ops'), plans: await open('plans') }

  /** Shows the room in one face; resolves when it has shown the line, with how to leave it. */
  const read = async (
    reader: (typeof READERS)[number],
    room: string,
    line: string,
  ): Promise<() => Promise<unknown>> => {
    if (reader === 'terminal') {
      await second.press(room === 'ops' ? 'M-2' : 'M-3')
      await second.waitFor(line)
      return () => second.press('M-1')
    }
    const face = startChat(t, [me, '--room', room, `--${reader}`, '--data', data])
    await face.waitForLine(line)
    return () => face.stop('SIGINT')
  }

  const tookMs: number[] = []
  for (const room of ROOMS)
    for (const reader of READERS) {
      const line = `${room} for ${reader}`
      bob[room].type(line)
      const counted = room === 'ops' ? '#lobby, 2 #ops 1, 3 #plans' : '#lobby, 2 #ops, 3 #plans 1'
      for (const window of [first, second]) await window.waitFor(counted)
      if (tookMs.length === 0) assert.equal((await unread())[room], 1, 'control: no face has shown it')
      const leave = await read(reader, room, line)
      const readAt = performance.now()
      await first.waitFor(ALL_READ)
      tookMs.push(performance.now() - readAt)
      await leave()
      await second.waitFor(ALL_READ)
    }
  t.diagnostic(`read everywhere after ${tookMs.map(ms => ms.toFixed(0)).join(', ')} ms`)
  assert.ok(Math.max(...tookMs) <= READ_MS_MAX, tookMs.join(', '))
  const { ops, plans } = await unread()
  assert.deepEqual([ops, plans], [0, 0])
})
