import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connectedTo, openChat } from '../helper/chat-process.js'
import type { Child } from '../helper/child.js'
import { runFileKills } from '../helper/file-kills.js'
import { localAddresses } from '../helper/ports.js'
import { ended, nodePid } from '../helper/running-node.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// Files between processes, by JSON lines.

const BOUND = { timeout: 300_000 }
const MIB = 2 ** 20

type Fields = Record<string, unknown>

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const objectsOf = (child: Child): Fields[] => child.stdout.map(line => JSON.parse(line) as Fields)

async function pair(t: TestContext) {
  const [a = '', b = ''] = await localAddresses(2)
  const data = await temporaryDirectory(t)
  const saved = path.join(data, 'saved')
  await mkdir(saved)
  const open = (me: string, listen: string, peer: string): Promise<Child> =>
    openChat(t, { me, listen, peers: [peer], data, options: ['--json'] })
  const alice = await open('alice', a, b)
  const bob = await open('bob', b, a)
  await connectedTo(bob, a)
  return { alice, bob, data, saved }
}

/** The line of a file, as the child prints it. */
async function fileLine(child: Child, name: string): Promise<Fields> {
  await child.waitForLine(`"name":"${name}"`)
  return objectsOf(child).find(each => each['name'] === name) ?? {}
}

const get = (child: Child, { author, seq }: Fields, directory: string): void =>
  child.type(JSON.stringify({ kind: 'get', to: { author, seq }, path: directory }))

test('a face goes on fetching when its node is killed', BOUND, async t => {
  const { alice, bob, data, saved } = await pair(t)
  const file = path.join(data, 'film.bin')
  const content = randomBytes(48 * MIB)
  await writeFile(file, content)
  alice.type(JSON.stringify({ kind: 'file', path: file }))
  const line = await fileLine(bob, 'film.bin')
  const node = (await nodePid({ me: 'bob', data })) ?? assert.fail('no node runs')
  get(bob, line, saved)
  const part = path.join(data, 'bob', 'lobby.files', `${line['root']}.part`)
  while ((await stat(part).catch(() => undefined))?.size === undefined) await pause(1)
  process.kill(node, 'SIGKILL')
  await ended(node)
  assert.deepEqual(await readdir(saved), [])
  await bob.waitForLine('"event":"saved"')
  assert.equal(sha256(await readFile(path.join(saved, 'film.bin'))), sha256(content))
})

test('a file arrives whole though both sides are killed, and little of it is sent twice', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'film.bin')
  const content = randomBytes(24 * MIB + 5)
  await writeFile(file, content)
  const { hash, sent } = await runFileKills(t, { file, size: content.length, directory, kills: 3 })
  assert.equal(hash, sha256(content))
  assert.ok(sent < 1.1 * content.length, `${sent} bytes were sent`)
})

test('control: without the stored chunks, much of the file is sent twice', BOUND, async t => {
  const directory = await temporaryDirectory(t)
  const file = path.join(directory, 'film.bin')
  const content = randomBytes(24 * MIB + 5)
  await writeFile(file, content)
  const { hash, sent } = await runFileKills(t, {
    ...{ file, size: content.length, directory, kills: 3 },
    onKilled: files => rm(files, { recursive: true }),
  })
  assert.equal(hash, sha256(content))
  assert.ok(sent > 1.5 * content.length, `${sent} bytes were sent`)
})

test('sends a file, which another peer fetches, and deletes it with its line', BOUND, async t => {
  const { alice, bob, data, saved } = await pair(t)
  const file = path.join(data, 'photo.bin')
  const content = randomBytes(3_000_017)
  await writeFile(file, content)
  alice.type(JSON.stringify({ kind: 'file', path: file }))
  const line = await fileLine(bob, 'photo.bin')
  assert.deepEqual([line['type'], line['size'], line['message']], ['file', content.length, 'sent photo.bin (3.0 MB)'])
  get(bob, line, saved)
  await bob.waitForLine('"event":"saved"')
  get(bob, line, saved)
  await bob.waitForLine('photo (2).bin')
  for (const name of ['photo.bin', 'photo (2).bin'])
    assert.equal(sha256(await readFile(path.join(saved, name))), sha256(content))
  const stored = (me: string): Promise<string[]> => readdir(path.join(data, me, 'lobby.files'))
  assert.equal((await stored('bob')).length, 3)
  alice.type(JSON.stringify({ kind: 'delete', to: { seq: line['seq'] } }))
  await bob.waitForLine('"type":"delete"')
  while ((await stored('bob')).length + (await stored('alice')).length > 0) await pause(5)
  assert.equal((await stat(path.join(saved, 'photo.bin'))).size, content.length)
})
