import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

// Answers, reactions and edits between two terminals.

const BOUND = { timeout: 300_000 }

async function pair(t: TestContext) {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const open = (me: string, listen: string, peer: string, ...options: string[]) =>
    TerminalWindow.open(t, [
      ...[process.execPath, CHAT_PROGRAM, me, peer, '--listen', listen, '--no-discovery', '--data', data],
      ...options,
    ])
  const alice = await open('alice', a, b)
  const bob = await open('bob', b, a)
  await alice.waitFor(/#lobby · 1 connected/)
  await bob.waitFor(/#lobby · 1 connected/)
  return { alice, bob, data, again: (...options: string[]) => open('bob', b, a, ...options) }
}

/** The label of the line with a text. */
const labelIn = (rows: readonly string[], text: string): string => {
  const row = rows.find(each => each.includes(`│ ${text}`) || each.includes(`» ${text}`))
  return /^\d\d:\d\d ([a-z]+\d+) /.exec(row ?? '')?.[1] ?? assert.fail(rows.join('\n'))
}

test('answers, reacts to and edits lines by their labels, which stay after a restart', BOUND, async t => {
  const { alice, bob, data, again } = await pair(t)
  await alice.enter('lunch at noon?')
  const lunch = labelIn(await bob.waitFor('alice │ lunch at noon?'), 'lunch at noon?')
  await bob.enter(`/re ${lunch} where do we go?`)
  await bob.waitFor(`bob ┌ alice ${lunch} “lunch at noon?”`)
  await bob.waitFor('│ where do we go?')
  await alice.waitFor(/» where do we go\?$/)
  await alice.enter('/react -1')
  await bob.waitFor(/\* alice reacts 👍 to bob \w+ “where do we go\?”$/)
  await alice.enter('/edit -1 lunch at one?')
  await bob.waitFor(`* alice edits ${lunch}: lunch at one?`)
  await bob.enter(`/history ${lunch}`)
  await bob.waitFor(/── the texts of a?\w+ ──/)
  await bob.enter(`/edit ${lunch} I say so`)
  await bob.waitFor(`! ${lunch} is not your line`)
  await bob.enter('/react 412 👍')
  await bob.waitFor(/! no line is called 412/)
  await bob.press('C-c')
  await bob.ended()

  const back = await again()
  const rows = await back.waitFor('│ lunch at one? (edited)')
  assert.equal(labelIn(rows, 'lunch at one?'), lunch)
  assert.ok(
    rows.some(row => /^ +👍 1$/.test(row)),
    rows.join('\n'),
  )
  assert.ok(!rows.some(row => /edits|reacts/.test(row)), rows.join('\n'))
  await alice.enter('/unreact -1')
  await back.waitFor(/\* alice takes back 👍 from bob/)

  const log = startChat(t, ['log', 'bob', '--json', '--data', data])
  await log.exited
  const messages = log.stdout.map(line => JSON.parse(line))
  assert.deepEqual(
    messages.map(({ type }) => type),
    [undefined, 'reply', 'reaction', 'edit', 'reaction'],
  )
  const [line, answer, reaction] = messages
  assert.equal(line.label, lunch)
  assert.deepEqual(answer.to, { author: line.author, seq: line.seq })
  assert.deepEqual([reaction.emoji, reaction.removed], ['👍', false])
})

test('a reaction raises no unread count, and an answer counts as a mention', BOUND, async t => {
  const { alice, bob, data } = await pair(t)
  await alice.enter('lunch at noon?')
  await bob.waitFor('alice │ lunch at noon?')
  await alice.waitFor(/noon\? {2}✓ 1\/1/)
  await alice.press('C-c')
  await alice.ended()
  await bob.enter('/react -1')
  await bob.waitFor(/\* bob reacts/)
  await bob.enter('/re -1 yes')
  await bob.waitFor('│ yes')
  await bob.press('C-c')
  await bob.press('y')
  await bob.ended()
  const exported = startChat(t, ['export', 'bob', `${data}/bob.logs`, '--data', data])
  await exported.exited
  await startChat(t, ['import', 'alice', `${data}/bob.logs`, '--data', data]).exited
  const rooms = startChat(t, ['rooms', 'alice', '--json', '--data', data])
  await rooms.exited
  const [room] = rooms.stdout.map(line => JSON.parse(line))
  assert.deepEqual([room.unread, room.mentions], [1, 1])
})

test('deletes a line and its edits from every file, here and at a peer that returns', BOUND, async t => {
  const { alice, bob, data, again } = await pair(t)
  const directories = [data, process.env['XDG_STATE_HOME'] ?? data]
  const holders = async (): Promise<string[]> =>
    (await Promise.all(directories.map(directory => filesWith(directory, 'swordfish')))).flat()
  await alice.enter('the passphrase is swordfish')
  await bob.waitFor('│ the passphrase is swordfish')
  await bob.enter('/re -1 thanks')
  await alice.waitFor(/» thanks$/)
  await alice.enter('/edit -1 no: the passphrase is not swordfish')
  await bob.waitFor(/\* alice edits/)
  assert.equal(new Set((await holders()).map(file => file.split('/').at(-3))).size, 2, 'control: both have it')
  await alice.enter('/where -1')
  await alice.waitFor(/^ {2}bob {2}has it, as reported on \d+ \w+ \d\d:\d\d$/)
  await bob.press('C-c')
  await bob.ended()
  await alice.enter('/delete -1')
  await alice.waitFor(/was deleted here, and dropped by 0 of 1 peers; the$/)
  await alice.press('Up')
  assert.ok(!(await alice.waitFor(/alice> \/delete -1/)).some(row => row.startsWith('alice> the passphrase')))
  await alice.press('C-u')
  assert.deepEqual(new Set((await holders()).map(file => file.split('/').at(-3))), new Set(['bob']))

  const back = await again()
  await back.waitFor(/\* alice deletes \w+$/)
  for (let tries = 0; (await holders()).length > 0; tries++) {
    assert.ok(tries < 600, (await holders()).join())
    await pause(100)
  }
  for (const me of ['alice', 'bob']) {
    const verify = startChat(t, ['verify', me, '--json', '--data', data])
    await verify.exited
    const { ok, without } = JSON.parse(verify.stdout.join(''))
    assert.deepEqual([ok, without.deleted], [true, 2], me)
  }
})

/** The files below a directory that contain a text. */
async function filesWith(directory: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    // LevelDB deletes files at any time.
    const bytes = entry.isFile() ? await readFile(file).catch(() => Buffer.alloc(0)) : Buffer.alloc(0)
    if (bytes.includes(text)) found.push(file)
  }
  return found
}
