import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { compilePreload } from '../helper/preload.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A lookup by the system's resolver cannot be cancelled. No command may wait for it when it exits.

const BOUND = { timeout: 300_000 }
const HOST = 'peer.slow.test'
const SLOW = `${HOST}:4000`
const LISTEN = ['--listen', '127.0.0.1:0']

/** A system whose resolver does not return before `answer`; undefined if it cannot be set up here. */
async function slowSystem(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const made = await compilePreload(directory, 'slow-names')
  if ('missing' in made) {
    t.skip(made.missing)
    return undefined
  }
  const mark = path.join(directory, 'searching')
  const isSearching = (): boolean => existsSync(mark)
  const searching = async (child: Child): Promise<void> => {
    let hasEnded = false
    void child.exited.then(() => {
      hasEnded = true
    })
    while (!isSearching()) {
      assert.ok(!hasEnded, child.transcript())
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  return {
    directory,
    env: { LD_PRELOAD: made.library, SLOW_NAMES_MARK: mark },
    searching,
    isSearching,
    answer: () => rm(mark),
  }
}

test('control: a process that resolves names itself ends only with the answer', BOUND, async t => {
  const system = await slowSystem(t)
  if (system === undefined) return
  const script = `process.on('SIGTERM', () => { console.log('ending'); process.exit(0) }); require('dns').lookup('${HOST}', () => {})`
  const child = new Child(t, process.execPath, { args: ['-e', script], env: system.env })
  await system.searching(child)
  let hasEnded = false
  const ending = child.stop('SIGTERM').then(() => {
    hasEnded = true
  })
  await child.waitForLine('ending')
  await new Child(t, process.execPath, { args: ['-e', ''] }).exited
  assert.equal(hasEnded, false)
  await system.answer()
  await ending
})

interface Command {
  readonly what: string
  readonly args: readonly string[]
  readonly code: number | null
  /** Whether the command reports that it listens, and then runs until the signal. */
  readonly listens?: boolean
}

const COMMANDS: readonly Command[] = [
  { what: 'a chat', args: ['alice', SLOW, '--no-discovery', ...LISTEN], code: 0, listens: true },
  { what: 'a chat in JSON', args: ['alice', SLOW, '--no-discovery', ...LISTEN, '--json'], code: 0, listens: true },
  { what: 'a chat that looks the name of a peer up', args: ['alice', SLOW, ...LISTEN], code: 0, listens: true },
  { what: 'a seed', args: ['alice', SLOW, '--no-discovery', ...LISTEN, '--seed'], code: 0, listens: true },
  { what: 'a chat that is to listen on the host', args: ['alice', '--listen', SLOW, '--no-discovery'], code: 1 },
  {
    what: '--message',
    args: ['alice', SLOW, '--no-discovery', ...LISTEN, '--message', 'x', '--timeout', '120'],
    code: 1,
  },
  { what: 'doctor', args: ['doctor', 'alice', SLOW], code: null },
  { what: 'flood', args: ['flood', SLOW], code: 0 },
  { what: 'flood that is to listen on the host', args: ['flood', '--listen', SLOW], code: 0 },
]
for (const { what, args, code, listens = false } of COMMANDS) {
  for (const signal of what === 'a chat' ? (['SIGTERM', 'SIGINT', 'SIGHUP'] as const) : (['SIGTERM'] as const)) {
    test(`${what} exits on ${signal} while the system is still resolving a name`, BOUND, async t => {
      const system = await slowSystem(t)
      if (system === undefined) return
      const env = { ...system.env, PERSISTED_CHAT_DATA: system.directory }
      const child = startChat(t, args, { env })
      if (what.startsWith('flood that')) child.endInput()
      await system.searching(child)
      if (listens) await child.waitForLine('info> listening on', { stream: 'stderr' })
      assert.equal(await child.stop(signal), code, child.transcript())
      assert.ok(system.isSearching())
    })
  }
}

test('a finished command does not wait for the resolver, and prints all output', BOUND, async t => {
  const system = await slowSystem(t)
  if (system === undefined) return
  const env = { ...system.env, PERSISTED_CHAT_DATA: system.directory }
  const args = ['alice', SLOW, '--no-discovery', ...LISTEN, '--message', 'x', '--timeout', '1']
  const child = startChat(t, args, { env })
  await system.searching(child)
  const { code } = await child.exited
  assert.equal(code, 1)
  assert.ok(system.isSearching())
  assert.match(child.stderr.at(-1) ?? '', /^warn> not delivered yet/)
})
