import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { compilePreload } from '../helper/preload.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A lookup by the system's resolver cannot be cancelled. No command may wait for it when it exits.

const HOST = 'peer.slow.test'
const SLOW = `${HOST}:4000`
const END_MS = 1_000

/** The environment of a system that resolves some names slowly; undefined if it cannot be set up here. */
async function slowSystem(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const made = await compilePreload(directory, 'slow-names')
  if ('missing' in made) {
    t.skip(made.missing)
    return undefined
  }
  const mark = path.join(directory, 'searching')
  const searching = async (): Promise<void> => {
    while (!existsSync(mark)) await new Promise(resolve => setTimeout(resolve, 10))
  }
  return { directory, env: { LD_PRELOAD: made.library, SLOW_NAMES_MARK: mark }, searching }
}

/** How long a process takes to exit after a signal, and its exit code. */
async function endOf(
  child: Child,
  signal: NodeJS.Signals,
): Promise<{ readonly ms: number; readonly code: number | null }> {
  const from = performance.now()
  const code = await child.stop(signal)
  return { ms: performance.now() - from, code }
}

test('control: a process that resolves names itself ends only with the answer', async t => {
  const system = await slowSystem(t)
  if (system === undefined) return
  const script = `require('dns').lookup('${HOST}', () => {}); process.on('SIGTERM', () => process.exit(0))`
  const child = new Child(t, process.execPath, { args: ['-e', script], env: system.env })
  await system.searching()
  const { ms } = await endOf(child, 'SIGTERM')
  assert.ok(ms > END_MS, `${ms} ms`)
})

const COMMANDS: readonly { readonly what: string; readonly args: readonly string[]; readonly code: number | null }[] = [
  { what: 'a chat', args: ['alice', SLOW, '--no-discovery'], code: 0 },
  { what: 'a chat in JSON', args: ['alice', SLOW, '--no-discovery', '--json'], code: 0 },
  { what: 'a chat that looks the name of a peer up', args: ['alice', SLOW], code: 0 },
  { what: 'a seed', args: ['alice', SLOW, '--no-discovery', '--seed'], code: 0 },
  { what: 'a chat that is to listen on the host', args: ['alice', '--listen', SLOW, '--no-discovery'], code: 1 },
  { what: '--message', args: ['alice', SLOW, '--no-discovery', '--message', 'x', '--timeout', '60'], code: 1 },
  { what: 'doctor', args: ['doctor', 'alice', SLOW], code: null },
  { what: 'flood', args: ['flood', SLOW], code: 0 },
  { what: 'flood that is to listen on the host', args: ['flood', '--listen', SLOW], code: 0 },
]
for (const { what, args, code } of COMMANDS) {
  for (const signal of what === 'a chat' ? (['SIGTERM', 'SIGINT', 'SIGHUP'] as const) : (['SIGTERM'] as const)) {
    test(`${what} exits at once on ${signal}, though the system is still resolving a name`, async t => {
      const system = await slowSystem(t)
      if (system === undefined) return
      const env = { ...system.env, PERSISTED_CHAT_DATA: system.directory }
      const child = startChat(t, args, { env })
      if (what.startsWith('flood that')) child.endInput()
      await system.searching()
      const end = await endOf(child, signal)
      assert.equal(end.code, code, child.transcript())
      assert.ok(end.ms < END_MS, `${end.ms} ms`)
    })
  }
}

test('a finished command does not wait for the resolver, and prints all output', async t => {
  const system = await slowSystem(t)
  if (system === undefined) return
  const env = { ...system.env, PERSISTED_CHAT_DATA: system.directory }
  const args = ['alice', SLOW, '--no-discovery', '--message', 'x', '--timeout', '1']
  const child = startChat(t, args, { env })
  await system.searching()
  const from = performance.now()
  const { code } = await child.exited
  assert.equal(code, 1)
  assert.ok(performance.now() - from < 1_000 + END_MS, `${performance.now() - from} ms`)
  assert.match(child.stderr.at(-1) ?? '', /^warn> not delivered yet/)
})
