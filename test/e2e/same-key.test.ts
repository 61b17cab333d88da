import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { freePorts } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A user whose data directory is on two machines, or was restored from a backup.

async function places(t: TestContext) {
  const root = await temporaryDirectory(t)
  const ports = await freePorts(4)
  const at = (index: number): string => `127.0.0.1:${ports[index]}`
  return { at, data: (name: string) => path.join(root, name) }
}

/** Sends a line, and waits until `reader` shows it. */
async function say(speaker: Child, line: string, reader = speaker): Promise<void> {
  speaker.type(line)
  await reader.waitForLine(line)
}

test('two machines with one key: every line of both is on all peers, once', async t => {
  const { at, data } = await places(t)
  const before = await openChat(t, { me: 'alice', listen: at(0), data: data('one') })
  await say(before, 'before the copy')
  await before.stop()
  await cp(data('one'), data('other'), { recursive: true })

  const bob = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  const carol = await openChat(t, { me: 'carol', listen: at(2), peers: [at(1)], data: data('carol') })
  const one = await openChat(t, { me: 'alice', listen: at(0), peers: [at(1)], data: data('one') })
  await connectedTo(one, at(1))
  await say(one, 'from one', bob)
  const other = await openChat(t, {
    me: 'alice',
    listen: at(3),
    peers: [at(2)],
    data: data('other'),
    state: data('state of the other'),
  })
  await connectedTo(other, at(2))
  await say(other, 'from the other', carol)
  await other.waitForLine('your lines continue in a new run', { stream: 'stderr' })
  await say(one, 'one again', carol)
  await say(other, 'the other again', bob)
  const lines = ['before the copy', 'from one', 'from the other', 'one again', 'the other again']
  for (const peer of [one, other, bob, carol]) for (const line of lines) await peer.waitForLine(`alice> ${line}`)
  for (const peer of [one, other, bob, carol]) {
    await peer.stop()
    for (const line of lines)
      assert.equal(peer.stdout.filter(each => each === `alice> ${line}`).length, 1, peer.transcript())
    assert.doesNotMatch(peer.stderr.join('\n'), /two histories|forked/, peer.transcript())
  }
})

test('prints each line once after a backup is restored, with those that it lacked', async t => {
  const { at, data } = await places(t)
  const bob = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  const alice = { me: 'alice', listen: at(0), peers: [at(1)] }
  const first = await openChat(t, { ...alice, data: data('alice') })
  await connectedTo(first, at(1))
  await say(first, 'kept', bob)
  await first.stop()
  await cp(data('alice'), data('backup'), { recursive: true })
  const second = await openChat(t, { ...alice, data: data('alice') })
  await connectedTo(second, at(1))
  for (const line of ['back 1', 'back 2']) await say(second, line, bob)
  await second.stop()
  await bob.stop()

  const restored = await openChat(t, { ...alice, data: data('backup'), options: ['--json'] })
  await say(restored, 'said alone')
  const bobAgain = await openChat(t, { me: 'bob', listen: at(1), data: data('bob') })
  await bobAgain.waitForLine('said alone')
  await say(restored, 'after', bobAgain)
  await restored.waitForLine('"after"')
  await restored.stop()
  const messages = restored.stdout.map(line => JSON.parse(line) as { seq: number; message: string })
  assert.deepEqual(messages.map(({ message }) => message).toSorted(), [
    'after',
    'back 1',
    'back 2',
    'kept',
    'said alone',
  ])
  assert.match(restored.stderr.join('\n'), /your lines continue in a new run/)
  assert.match(restored.stderr.join('\n'), /last line delivered to 1 of 1 peers/)

  const devices = startChat(t, ['devices', 'alice', '--data', data('backup'), '--json'])
  await devices.exited
  const runs = devices.stdout.map(line => JSON.parse(line))
  assert.deepEqual(
    runs.map(({ room, here, entries }) => [room, here, entries]),
    [
      ['lobby', true, 3], // the opening of the run, and two lines
      ['lobby', false, 3],
    ],
    devices.transcript(),
  )
  for (const { since, last } of runs) assert.ok(Date.parse(since) <= Date.parse(last))
})

/** Restores a directory in place, so that the inodes stay the same: as if the whole disk had been restored. */
async function putBack(copy: string, directory: string): Promise<void> {
  const filesIn = async (of: string): Promise<string[]> => {
    const entries = await readdir(of, { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => path.relative(of, path.join(entry.path, entry.name)))
  }
  const old = new Set(await filesIn(copy))
  for (const file of await filesIn(directory)) if (!old.has(file)) await rm(path.join(directory, file))
  for (const file of old) await writeFile(path.join(directory, file), await readFile(path.join(copy, file)))
}

test('keeps every line of both histories after a whole disk was restored unnoticed', async t => {
  const { at, data } = await places(t)
  const alice = { me: 'alice', listen: at(0), peers: [at(1)], data: data('alice'), state: data('state') }
  const bob = { me: 'bob', listen: at(1), data: data('bob') }
  const atBob = await openChat(t, bob)
  const first = await openChat(t, alice)
  await connectedTo(first, at(1))
  await say(first, 'kept', atBob)
  await first.stop()
  for (const each of ['alice', 'state']) await cp(data(each), data(`copy of ${each}`), { recursive: true })
  const second = await openChat(t, alice)
  await connectedTo(second, at(1))
  for (const line of ['back 1', 'back 2']) await say(second, line, atBob)
  await second.stop()
  await atBob.stop()
  for (const each of ['alice', 'state']) await putBack(data(`copy of ${each}`), data(each))

  const restored = await openChat(t, alice)
  await say(restored, 'said alone')
  const bobAgain = await openChat(t, bob)
  await bobAgain.waitForLine('alice> said alone')
  await restored.waitForLine('two devices wrote entry 2 of your log', { stream: 'stderr' })
  await say(restored, 'after', bobAgain)
  await restored.waitForLine('alice> back 2')
  await restored.stop()
  // The machine with the key is gone.
  const carol = await openChat(t, { me: 'carol', listen: at(2), peers: [at(1)], data: data('carol') })
  const lines = ['kept', 'back 1', 'back 2', 'said alone', 'after'].map(line => `alice> ${line}`)
  for (const line of lines) await carol.waitForLine(line)
  for (const peer of [restored, bobAgain, carol])
    for (const line of lines)
      assert.equal(peer.stdout.filter(each => each === line).length, 1, `${line}\n${peer.transcript()}`)
  assert.equal(restored.stderr.filter(line => /two devices wrote/.test(line)).length, 1, restored.transcript())
  const again = await openChat(t, alice)
  for (const line of lines) await again.waitForLine(line)
  await again.stop()
  for (const line of lines) assert.equal(again.stdout.filter(each => each === line).length, 1, again.transcript())
})
