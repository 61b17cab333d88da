import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freeNames, localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Attempts of a stranger to appear as a known person, or as having stored a line.

const BOUND = { timeout: 300_000 }

/** alice names bob, who dials her from the port that his name hashes to. An impostor can do the same, with another key. */
async function world(t: TestContext) {
  const [data, elsewhere] = [await temporaryDirectory(t), await temporaryDirectory(t)]
  const [bob = ''] = await freeNames('bob')
  const [address = ''] = await localAddresses(1)
  const alice = { me: 'alice', listen: address, data, peers: [bob] }
  const dialling = (home: string): Promise<Child> => openChat(t, { me: bob, data: home, peers: [address] })
  const send = (text: string, ...options: string[]): Child =>
    startChat(t, ['alice', bob, '--listen', address, '--no-discovery', '--data', data, '--message', text, ...options])
  const run = async (...words: string[]): Promise<Child> => {
    const command = startChat(t, [...words, '--data', data])
    await command.exited
    return command
  }
  const people = (...words: string[]): Promise<Child> => run('people', 'alice', ...words)
  const renew = (): Promise<Child> => run('renew', bob)
  return { bob, alice, send, people, renew, bobHimself: () => dialling(data), impostor: () => dialling(elsewhere) }
}

test('delivers to the key that a name is bound to, and to nobody who merely uses the name', BOUND, async t => {
  const { bob, send, people, bobHimself, impostor } = await world(t)
  const himself = await bobHimself()
  assert.equal((await send('good morning', '--to', bob, '--timeout', '60').exited).code, 0)
  const [pin] = (await people('--json')).stdout.map(line => JSON.parse(line))
  assert.deepEqual([pin.name, pin.how, pin.other], [bob, 'met', undefined])
  await himself.stop()

  const false_ = await impostor()
  for (const options of [['--to', bob], []]) {
    const message = send('the password is …', ...options, '--timeout', '4')
    assert.equal((await message.exited).code, 1, message.transcript())
  }
  const { stderr } = await people('accept', bob, 'ffffffff')
  assert.match(stderr.join('\n'), /no single key here begins with ffffffff/)
  const [known] = (await people('--json')).stdout.map(line => JSON.parse(line))
  assert.equal(known.key, pin.key)
  assert.match(known.other, /^[0-9a-f]{64}$/)

  const accepted = await people('accept', bob, known.other.slice(0, 8))
  assert.deepEqual(
    [(await accepted.exited).code, accepted.stderr],
    [0, [`info> ${bob} is bound to the key ${known.other}`]],
  )
  assert.equal((await send('good evening', '--to', bob, '--timeout', '60').exited).code, 0)
  await false_.stop()
  assert.equal((await (await people('forget', bob)).exited).code, 0)
  assert.deepEqual((await people()).stdout, [])
})

test('reports another key under a known name once, with the command that accepts it', BOUND, async t => {
  const { bob, alice, people, bobHimself, impostor } = await world(t)
  const chat = await openChat(t, alice)
  const himself = await bobHimself()
  await connectedTo(chat, bob)
  await himself.stop()
  const false_ = await impostor()
  await chat.waitForLine(new RegExp(`persisted-chat people alice accept ${bob} [0-9a-f]{8}`), { stream: 'stderr' })
  false_.type('it is me')
  await chat.waitForLine(new RegExp(`^${bob} \\([0-9a-f]{8}\\)> it is me$`))
  chat.type('which bob?')
  await false_.waitForLine('alice> which bob?')
  assert.equal(await chat.stop(), 0)
  assert.match(chat.stderr.at(-1) ?? '', /last line delivered to 1 stranger$/, chat.transcript())
  assert.equal(chat.stderr.filter(line => line.includes('answers with another key')).length, 1)
  assert.equal((await people('accept', bob)).stdout.length, 0)
})

test('a key that the old one signed gets the name, and lines to it are delivered', BOUND, async t => {
  const { bob, alice, send, people, bobHimself, renew } = await world(t)
  const himself = await bobHimself()
  assert.equal((await send('good morning', '--to', bob, '--timeout', '60').exited).code, 0)
  const pinned = async () => JSON.parse((await people('--json')).stdout[0] ?? '{}')
  const before = await pinned()
  assert.equal(await himself.stop(), 0)
  assert.equal((await (await renew()).exited).code, 0)
  const chat = await openChat(t, alice)
  const renewed = await bobHimself()
  await chat.waitForLine(new RegExp(`^warn> ${bob} has a new key`), { stream: 'stderr' })
  renewed.type('it is still me')
  await chat.waitForLine(`${bob}> it is still me`)
  assert.equal(await chat.stop(), 0)
  assert.ok(!chat.stderr.some(line => line.includes('answers with another key')), chat.transcript())
  const after = await pinned()
  assert.notEqual(after.key, before.key)
  assert.deepEqual([after.name, after.how, after.other], [before.name, before.how, undefined])
  assert.equal((await send('good evening', '--to', bob, '--timeout', '60').exited).code, 0)
  await renewed.stop()
})
