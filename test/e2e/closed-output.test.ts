import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, openChat } from '../helper/chat-process.js'
import { Child, type Cleanup } from '../helper/child.js'
import { freePorts, localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

// A reader that closes its end of a pipe ends every command quietly; a write that fails is reported in one line.

const BOUND = { timeout: 300_000 }

/** alice's data, with more lines than fit into a pipe. */
async function history(t: Cleanup): Promise<string> {
  const [a = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const alice = await openChat(t, { me: 'alice', listen: a, data })
  for (let i = 0; i < 400; i++) alice.type(`line ${i} ${'x'.repeat(400)}`)
  await alice.waitForLine('line 399 ')
  await alice.stop()
  return data
}

/** A shared data directory, for tests that do not change it. */
const data = await history(test)

/** Runs a command line of `sh` in which `$PC` is the program. Returns stderr of both. */
async function shell(t: TestContext, line: string): Promise<readonly string[]> {
  const child = new Child(t, 'sh', { args: ['-c', line], env: { PC: `${process.execPath} ${CHAT_PROGRAM}` } })
  await child.exited
  return child.stderr
}

test('exits quietly with 0 when stdout is closed', BOUND, async t => {
  const [port = 0, other = 0] = await freePorts(2)
  for (const command of [
    `log alice --data ${data}`,
    `log alice --json --data ${data}`,
    `log alice --last 300 --grep x --data ${data}`,
    `verify alice --data ${data}`,
    `verify alice --json --data ${data}`,
    '--help',
    'simulate gossip --help',
    '--version',
    'simulate chat --peers 2 --minutes 1 --lines 1 --seed 1',
    'simulate crowd --peers 20 --seed 1 --json',
    'simulate gossip --nodes 20 --seed 1',
    'simulate gossip --nodes 20 --seed 1 --sweep ttl=2..4',
    `gossip -p ${port} --every 0.1 --json`,
    `gossip -p ${port} --every 0.1 --plain`,
    `flood --listen 127.0.0.1:${other}`,
  ]) {
    // The reader is gone before the first write.
    const stderr = await shell(t, `printf '\nhello\n' | { sleep 0.1; $PC ${command}; echo "exit $?" >&2; } | true`)
    const own = stderr.filter(line => !/^(info> |address of a peer)/.test(line))
    assert.deepEqual(own, ['exit 0'], `${command}\n${stderr.join('\n')}`)
  }
})

test('keeps a failing exit code when stdout is closed', BOUND, async t => {
  const data = await history(t)
  const lobby = path.join(data, 'alice', 'lobby')
  const files = await readdir(lobby, { recursive: true })
  for (const file of files.filter(name => /MANIFEST-\d+$/.test(name))) await rm(path.join(lobby, file))
  const [port = 0] = await freePorts(1)
  for (const command of [
    `verify alice --data ${data}`,
    `verify alice --json --data ${data}`,
    `log alice --data ${data}`,
    `doctor alice localhost:${port} --data ${data}`,
  ]) {
    const open = await shell(t, `$PC ${command} >/dev/null; echo "exit $?" >&2`)
    assert.equal(open.at(-1), 'exit 1', `control: ${command}\n${open.join('\n')}`)
    const stderr = await shell(t, `{ sleep 0.1; $PC ${command}; echo "exit $?" >&2; } | true`)
    assert.equal(stderr.at(-1), 'exit 1', `${command}\n${stderr.join('\n')}`)
  }
})

test('does not report an export to a closed stdout as exported', BOUND, async t => {
  for (const to of ['>&-', '> /dev/null']) {
    const [stderr] = await shell(t, `$PC export alice - --data ${data} ${to}`)
    assert.match(stderr ?? '', /^warn> stdout is closed or \/dev\/null: the export is not stored/, to)
  }
  const file = path.join(await temporaryDirectory(t), 'alice.logs')
  const stderr = await shell(t, `$PC export alice - --data ${data} > ${file}`)
  assert.deepEqual(stderr, ['info> exported 1 signed logs to stdout'], 'control')
})

test('prints the first lines of a long log without reading all of it', BOUND, async t => {
  const child = new Child(t, 'sh', {
    args: ['-c', `{ $PC log alice --data ${data}; echo "exit $?" >&2; } | head -1`],
    env: { PC: `${process.execPath} ${CHAT_PROGRAM}` },
  })
  await child.exited
  assert.equal(child.stdout.length, 1)
  assert.match(child.stdout[0] ?? '', /^alice> line 0 /)
  assert.deepEqual(child.stderr, ['exit 0'])
})

test('runs every command with a closed stderr', BOUND, async t => {
  const file = path.join(await temporaryDirectory(t), 'alice.logs')
  for (const command of [
    `export alice ${file} --data ${data}`,
    `import bob ${file} --data ${data}`,
    `simulate chat --peers 2 --minutes 1 --lines 1 --seed 1 --report ${file}.html > /dev/null`,
  ]) {
    const code = await shell(t, `{ { sleep 0.1; $PC ${command}; echo "exit $?" >&3; } 2>&1 | true; } 3>&2`)
    assert.deepEqual(code, ['exit 0'], command)
  }
  const refused = await shell(t, '{ { sleep 0.1; $PC a/b 2>&1; echo "exit $?" >&3; } | true; } 3>&2')
  assert.deepEqual(refused, ['exit 2'], 'control: what failed has its own exit code')
})

test('reports a failed write in one line and exits with 1', BOUND, async t => {
  const [port = 0] = await freePorts(1)
  for (const command of [
    `log alice --data ${data}`,
    `verify alice --data ${data}`,
    `alice --data ${data} --no-discovery --listen localhost:${port} < /dev/null`,
    '--help',
    'log --help',
    '--version',
    'simulate chat --peers 2 --minutes 1 --lines 1 --seed 1',
    `gossip -p ${port} --every 0.1 --json`,
  ]) {
    const stderr = await shell(t, `$PC ${command} > /dev/full; echo "exit $?" >&2`)
    const own = stderr.filter(line => !line.startsWith('info> '))
    assert.equal(own.length, 2, `${command}\n${stderr.join('\n')}`)
    assert.match(own[0] ?? '', /^persisted-chat: the output cannot be written: .*no space left/i)
    assert.equal(own[1], 'exit 1', command)
  }
})
