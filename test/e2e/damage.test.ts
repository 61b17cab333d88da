import assert from 'node:assert/strict'
import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { connectedTo, openChat, startChat } from '../helper/chat-process.js'
import { outcomesOf } from '../helper/command-lines.js'
import { localAddresses } from '../helper/ports.js'
import { crash } from '../helper/running-node.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Damaged disks, old copies and new keys: faults are reported, and users can go on writing.

const BOUND = { timeout: 300_000 }

async function command(t: TestContext, data: string, ...args: readonly string[]) {
  const child = startChat(t, [...args, '--data', data])
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr.join('\n') }
}

/** alice connects to `peers`, sends lines and ends. */
async function says(
  t: TestContext,
  data: string,
  listen: string,
  peers: readonly string[],
  ...lines: readonly string[]
) {
  const alice = await openChat(t, { me: 'alice', listen, peers, data })
  if (peers.length > 0) await connectedTo(alice, peers[0] ?? '')
  for (const line of lines) {
    alice.type(line)
    await alice.waitForLine(`> ${line}`)
  }
  assert.equal(await alice.stop(), 0)
}

const filesBelow = async (directory: string): Promise<Map<string, string>> => {
  const files = new Map<string, string>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name)
    if (entry.isFile()) files.set(path.relative(directory, file), await readFile(file, 'base64'))
  }
  return files
}

test('lets a renewed key write, whoever was connected before', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [at, bobAt] = (await localAddresses(2)) as [string, string]
  const bob = await openChat(t, { me: 'bob', listen: bobAt, peers: [at], data })
  await says(t, data, at, [bobAt], 'before')
  await bob.waitForLine('alice> before')
  for (const round of ['first', 'second']) {
    const renewed = await command(t, data, 'renew', 'alice')
    assert.equal(renewed.code, 0, renewed.stderr)
    assert.match(renewed.stderr, /info> new key [0-9a-f]{8}…; the old one is kept in /)
    await says(t, data, at, [bobAt], `after the ${round}`)
    await bob.waitForLine(`> after the ${round}`)
  }
  assert.equal((await command(t, data, 'verify', 'alice')).code, 0)
  assert.equal(await bob.stop(), 0)
})

test('continues at once after an old copy was restored, and fetches the lost entries from a peer', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [at, bobAt] = (await localAddresses(2)) as [string, string]
  const [lobby, old] = [path.join(data, 'alice', 'lobby'), path.join(data, 'old')]
  const bob = await openChat(t, { me: 'bob', listen: bobAt, peers: [at], data })
  await says(t, data, at, [bobAt], 'one', 'two')
  await cp(lobby, old, { recursive: true })
  // The mark contains the last batch as well: a single lost line would be restored from there.
  for (const line of ['three', 'four']) {
    await says(t, data, at, [bobAt], line)
    await bob.waitForLine(`alice> ${line}`)
  }
  await rm(lobby, { recursive: true })
  await rename(old, lobby)

  const verified = await command(t, data, 'verify', 'alice')
  assert.equal(verified.code, 1, verified.stderr)
  const repaired = await command(t, data, 'repair', 'alice')
  assert.equal(repaired.code, 0)
  assert.match(repaired.stderr, /your next line begins a new run/)
  const alone = await openChat(t, { me: 'alice', listen: at, data })
  alone.type('said alone')
  await alone.waitForLine('alice> said alone')
  await alone.waitForLine(/are missing on this disk: your lines continue in a new run/, { stream: 'stderr' })
  assert.equal(await alone.stop(), 0)

  const alice = await openChat(t, { me: 'alice', listen: at, peers: [bobAt], data })
  alice.type('five')
  const lines = ['one', 'two', 'three', 'four', 'said alone', 'five'].map(line => `alice> ${line}`)
  for (const peer of [alice, bob]) for (const line of lines) await peer.waitForLine(line)
  for (const line of lines) assert.equal(alice.stdout.filter(each => each === line).length, 1, alice.transcript())
  assert.equal(await alice.stop(), 0)
  assert.doesNotMatch(alice.stderr.join('\n'), /new run/, 'once')
  assert.equal((await command(t, data, 'verify', 'alice')).code, 0)
  const { stdout } = await command(t, data, 'log', 'bob')
  assert.deepEqual(stdout.toSorted(), lines.toSorted())
  assert.doesNotMatch(bob.stderr.join('\n'), /two histories/)
})

test('continues without the lost end if no peer has it', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [at] = (await localAddresses(1)) as [string]
  const lobby = path.join(data, 'alice', 'lobby')
  await says(t, data, at, [], 'one')
  await cp(lobby, path.join(data, 'old'), { recursive: true })
  await says(t, data, at, [], 'two')
  await says(t, data, at, [], 'three')
  await rm(lobby, { recursive: true })
  await rename(path.join(data, 'old'), lobby)
  await says(t, data, at, [], 'and on')
  const { stdout, code } = await command(t, data, 'log', 'alice')
  assert.deepEqual([stdout, code], [['alice> one', 'alice> and on'], 0])
})

test('reports lost files without changing anything; the chat repairs them', BOUND, async t => {
  const base = await temporaryDirectory(t)
  const [at] = (await localAddresses(1)) as [string]
  const made = path.join(base, 'made')
  for (const line of ['one', 'two', 'three']) await says(t, made, at, [], line)
  const names = (await readdir(path.join(made, 'alice', 'lobby'))).filter(name => /^(CURRENT|MANIFEST|\d)/.test(name))
  for (const name of names) {
    for (const how of ['removed', 'cut'] as const) {
      const data = path.join(base, `${name}-${how}`)
      await cp(made, data, { recursive: true })
      const file = path.join(data, 'alice', 'lobby', name)
      if (how === 'removed') await rm(file)
      else await truncate(file, Math.floor((await readFile(file)).length / 3))
      const before = await filesBelow(data)
      const commandLines = [
        ['verify', 'alice'],
        ['log', 'alice'],
        ['export', 'alice', path.join(base, `${name}-${how}.logs`)],
      ]
      const [verified] = await outcomesOf(
        t,
        commandLines.map(args => [...args, '--data', data]),
      )
      assert.equal(verified?.code, 1, `${name} ${how}: ${verified?.stderr.join('\n')}`)
      assert.deepEqual(await filesBelow(data), before, `${name} ${how}`)
    }
  }
  const data = path.join(base, 'repaired')
  await cp(made, data, { recursive: true })
  await rm(path.join(data, 'alice', 'lobby', 'CURRENT'))
  const alice = await openChat(t, { me: 'alice', listen: at, data })
  await alice.waitForLine('alice> three')
  assert.match(alice.stderr.join('\n'), /the logs were damaged \(CURRENT is missing\) and have been repaired/)
  assert.equal(await alice.stop(), 0)
  const kept = (await readdir(path.join(data, 'alice'))).filter(name => name.includes('damaged'))
  assert.deepEqual(kept, ['lobby.damaged-1'])
  assert.equal((await command(t, data, 'verify', 'alice')).code, 0)
})

test('continues after a kill with every line it showed', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [at] = (await localAddresses(1)) as [string]
  const shown = new Set<string>()
  for (let round = 0; round < 5; round++) {
    const alice = await openChat(t, { me: 'alice', listen: at, data })
    assert.doesNotMatch(alice.stderr.join('\n'), /nothing is stored until/)
    for (let line = 0; line < 200; line++) alice.type(`line ${round}.${line}`)
    await alice.waitForLine(`alice> line ${round}.${round * 20}`)
    await crash(alice, { me: 'alice', data })
    for (const line of alice.stdout) shown.add(line)
  }
  const { stdout, code, stderr } = await command(t, data, 'log', 'alice')
  assert.equal(code, 0, stderr)
  assert.deepEqual(
    [...shown].filter(line => !stdout.includes(line)),
    [],
  )
  assert.equal((await command(t, data, 'verify', 'alice')).code, 0)
})

test('continues writing after damage, whichever peer connects first, and forks no log', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const [at, bobAt, carolAt] = (await localAddresses(3)) as [string, string, string]
  const bob = { me: 'bob', listen: bobAt, data }
  const carol = { me: 'carol', listen: carolAt, data }
  const lobby = path.join(data, 'ann', 'lobby')
  const first = [await openChat(t, bob), await openChat(t, carol)] as const
  const ann = await openChat(t, { me: 'ann', listen: at, peers: [bobAt, carolAt], data })
  for (let line = 1; line <= 10; line++) ann.type(`line ${line}`)
  for (const peer of first) await peer.waitForLine('ann> line 10')
  await first[1].stop()
  for (let line = 11; line <= 20; line++) {
    ann.type(`line ${line}`)
    await first[0].waitForLine(`ann> line ${line}`)
  }
  await ann.stop()
  await first[0].stop()
  const [journal = ''] = (await readdir(lobby)).filter(name => name.endsWith('.log'))
  const bytes = await readFile(path.join(lobby, journal))
  const at70 = Math.floor(bytes.length * 0.7)
  bytes[at70] = (bytes[at70] as number) ^ 1
  await writeFile(path.join(lobby, journal), bytes)

  const carolAgain = await openChat(t, carol)
  const again = await openChat(t, { me: 'ann', listen: at, peers: [carolAt, bobAt], data })
  await connectedTo(again, carolAt)
  again.type('the next line')
  await again.waitForLine('ann> the next line')
  const bobAgain = await openChat(t, bob)
  await bobAgain.waitForLine('ann> the next line')
  await carolAgain.waitForLine('ann> the next line')
  for (const peer of [again, bobAgain, carolAgain])
    assert.doesNotMatch(peer.stderr.join('\n'), /two histories|forked/, peer.transcript())
  for (let line = 1; line <= 20; line++) await again.waitForLine(`ann> line ${line}`)
  assert.equal(again.stdout.filter(line => line.startsWith('ann> line ')).length, 20)
  for (const peer of [again, bobAgain, carolAgain]) assert.equal(await peer.stop(), 0)
})
