// Proofs of what somebody said, with real processes.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { CHAT_PROGRAM, openChat, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const BOUND = { timeout: 300_000 }

test('lines of somebody are proven to a computer that was never in the private room', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const elsewhere = await temporaryDirectory(t)
  const [a = '', b = ''] = await localAddresses(2)
  const run = async (...args: readonly string[]) => {
    const child = startChat(t, [...args, '--data', data])
    await child.exited
    return child
  }
  await run('room', 'new', 'alice', 'ops', '--no-rescue')
  const options = ['--room', 'ops', '--no-discovery']
  const alice = await openChat(t, { me: 'alice', listen: a, data, options })
  const [code = ''] = (await run('invite', 'alice', 'ops')).stdout
  await run('join', 'bob', code, a, '--no-discovery', '--listen', b)
  const bob = await openChat(t, { me: 'bob', listen: b, peers: [a], data, options })
  for (const text of ['not this', 'we ship on Monday', 'agreed', 'nor this']) {
    bob.type(text)
    await alice.waitForLine(`bob> ${text}`)
  }
  const lines = (await run('log', 'alice', '--room', 'ops', '--json')).stdout.map(line => JSON.parse(line))
  const seqOf = (text: string): number => lines.find(({ message }) => message === text).seq
  const range = `${seqOf('we ship on Monday')}..${seqOf('agreed')}`
  const file = path.join(elsewhere, 'minutes')
  const shell = new Child(t, 'sh', {
    args: [
      '-c',
      'exec "$0" "$@" > "$FILE"',
      process.execPath,
      CHAT_PROGRAM,
      'proof',
      'alice',
      'ops',
      'bob',
      range,
      '--data',
      data,
    ],
    env: { FILE: file },
  })
  assert.equal((await shell.exited).code, 0, shell.transcript())
  const proof = readFileSync(file)
  assert.ok(!proof.includes('not this') && !proof.includes('nor this'))

  const verify = async (...args: readonly string[]) => {
    const child = startChat(t, ['verify', file, ...args], { env: { XDG_DATA_HOME: elsewhere } })
    const { code: exit } = await child.exited
    return { exit, child }
  }
  const { exit, child } = await verify('--json')
  assert.equal(exit, 0, child.transcript())
  const [summary, ...said] = child.stdout.map(line => JSON.parse(line))
  assert.deepEqual([summary.ok, summary.author], [true, lines.find(({ username }) => username === 'bob').author])
  assert.deepEqual(
    said.map(({ message }) => message),
    ['we ship on Monday', 'agreed'],
  )
  assert.match((await verify()).child.stdout.join('\n'), /bob> we ship on Monday\n.*bob> agreed$/)

  const changed = Buffer.from(proof)
  changed.write('Friday', changed.indexOf('Monday'))
  writeFileSync(file, changed)
  const refused = await verify()
  assert.equal(refused.exit, 1)
  assert.match(refused.child.stderr.join('\n'), /refused: entr.* not what the author signed/)
  assert.deepEqual(refused.child.stdout, [])
})

test('refuses files that are no proofs, and waits for none', BOUND, async t => {
  const data = await temporaryDirectory(t)
  const elsewhere = await temporaryDirectory(t)
  const fifo = path.join(elsewhere, 'fifo')
  await promisify(execFile)('mkfifo', [fifo])
  const zeros = path.join(elsewhere, 'zeros')
  writeFileSync(zeros, '')
  truncateSync(zeros, 2 ** 30)
  const verify = async (file: string, cwd?: string) => {
    const child = startChat(t, ['verify', file, '--data', data], cwd === undefined ? {} : { cwd })
    const { code } = await child.exited
    assert.deepEqual(child.stdout, [])
    return `${code} ${child.stderr.join('\n')}`
  }
  assert.match(await verify(zeros), /^1 .*refused: this file is not a proof$/)
  assert.match(await verify(fifo), /^2 .*must not contain \//)
  assert.match(await verify('fifo', elsewhere), /^1 .*there are no logs of fifo/)
  assert.match(await verify(elsewhere), /^2 .*must not contain \//)
})
