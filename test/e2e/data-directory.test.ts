// The choice of the data directory, and the messages about it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { access, chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { CHAT_PROGRAM, startChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const READ_ONLY = 'mount --bind data data && mount -o remount,ro,bind data'
const BOUND = { timeout: 300_000 }

/** An empty working directory and an empty home directory. */
interface Place {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly shared: string
}

async function place(t: TestContext): Promise<Place> {
  const folder = await temporaryDirectory(t)
  const [cwd, home] = [path.join(folder, 'cwd'), path.join(folder, 'home')]
  await mkdir(cwd)
  await mkdir(home)
  const env = { HOME: home, XDG_DATA_HOME: undefined, PERSISTED_CHAT_DATA: undefined }
  return { cwd, env, shared: path.join(home, '.local/share/persisted-chat') }
}

/** Starts the chat as alice, sends a message and stops. Returns the lines on stderr. */
async function start(t: TestContext, { cwd, env }: Place, args: readonly string[] = []): Promise<readonly string[]> {
  const [at = ''] = await localAddresses(1)
  const child = startChat(t, ['alice', '--no-discovery', '--listen', at, '--json', ...args], { cwd, env })
  child.type('hello')
  const line = await child.waitForLine('"hello"')
  assert.equal(await child.stop(), 0)
  for (const each of child.stdout) JSON.parse(each)
  assert.ok(JSON.parse(line).username === 'alice')
  return child.stderr
}

const ends = async (t: TestContext, { cwd, env }: Pick<Place, 'cwd' | 'env'>, args: readonly string[]) => {
  const child = startChat(t, args, { cwd, env })
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )

test(
  'the first start uses the platform directory and reports it and the new key; the next reuses the key',
  BOUND,
  async t => {
    const at = await place(t)
    const said = await start(t, at)
    assert.deepEqual(
      said.filter(line => /logs in|new key/.test(line)),
      [`info> logs in ${at.shared}/alice/lobby`, `info> created a new key for alice: ${at.shared}/alice/key`],
    )
    assert.deepEqual(await readdir(at.cwd), [])
    assert.ok((await start(t, at)).every(line => !line.includes('new key')))
    const { code, stdout } = await ends(t, at, ['log', 'alice'])
    assert.deepEqual([code, stdout], [0, ['alice> hello', 'alice> hello']])
  },
)

test('uses ./data in a checkout and if it has a home of that name', BOUND, async t => {
  const checkout = await place(t)
  await writeFile(path.join(checkout.cwd, 'package.json'), '{"name":"persisted-chat"}')
  assert.ok((await start(t, checkout)).includes('info> logs in data/alice/lobby'))
  assert.equal(await isThere(checkout.shared), false)

  const other = await place(t)
  await writeFile(path.join(other.cwd, 'package.json'), '{"name":"another"}')
  await start(t, other, ['--data', 'data'])
  assert.ok((await start(t, other)).includes('info> logs in data/alice/lobby'))
  assert.equal(await isThere(other.shared), false)
  // A name without a home in ./data does not use it.
  const { stderr } = await ends(t, other, ['log', 'bob'])
  assert.match(stderr[0] ?? '', /there are no logs of bob in .*\.local\/share\/persisted-chat\/bob\/lobby/)
})

test('does not use an unrelated directory with that name', BOUND, async t => {
  const at = await place(t)
  await mkdir(path.join(at.cwd, 'data/alice'), { recursive: true })
  await writeFile(path.join(at.cwd, 'data/alice/measurements.csv'), '1,2,3')
  assert.ok((await start(t, at)).includes(`info> logs in ${at.shared}/alice/lobby`))
  assert.deepEqual(await readdir(path.join(at.cwd, 'data/alice')), ['measurements.csv'])
})

test('reports other data directories with the same name, in the chat and if logs are missing', BOUND, async t => {
  const at = await place(t)
  await start(t, at)
  const said = await start(t, at, ['--data', 'elsewhere'])
  assert.ok(said.includes('info> created a new key for alice: elsewhere/alice/key'), said.join('\n'))
  assert.ok(said.includes(`info> alice also has logs in ${at.shared}, which this run does not use`), said.join('\n'))
  const { code, stderr } = await ends(t, at, ['log', 'alice', '--data', 'nowhere'])
  assert.equal(code, 1)
  assert.deepEqual(stderr, [
    `persisted-chat: there are no logs of alice in nowhere/alice/lobby. There are some in ${at.shared}: pass it with --data.`,
  ])
  assert.equal(await isThere(path.join(at.cwd, 'nowhere')), false)
  // Read commands create nothing, even in an empty directory.
  await mkdir(path.join(at.cwd, 'empty/alice/lobby'), { recursive: true })
  for (const command of ['log', 'verify', 'export']) {
    const rest = command === 'export' ? ['alice.logs'] : []
    assert.equal((await ends(t, at, [command, 'alice', ...rest, '--data', 'empty'])).code, 1)
    assert.deepEqual(await readdir(path.join(at.cwd, 'empty'), { recursive: true }), ['alice', 'alice/lobby'])
  }
})

test('every command uses the same data directory', BOUND, async t => {
  const at = await place(t)
  await start(t, at)
  for (const args of [['log'], ['verify'], ['export', 'alice.logs'], ['import', 'alice.logs']] as const) {
    const [command, ...rest] = args
    const { code, stderr } = await ends(t, at, [command, 'alice', ...rest])
    assert.equal(code, 0, `${command}: ${stderr.join('\n')}`)
  }
  assert.deepEqual(await readdir(at.cwd), ['alice.logs'])
})

test('reports a missing HOME in one line', BOUND, async t => {
  const { cwd, env } = await place(t)
  for (const args of [
    ['alice', '--no-discovery'],
    ['log', 'alice'],
    ['import', 'alice', 'x.logs'],
  ]) {
    const { code, stderr } = await ends(t, { cwd, env: { ...env, HOME: undefined } }, args)
    assert.deepEqual(
      [code, stderr],
      [
        1,
        [
          'persisted-chat: no data directory: $HOME is not set to an absolute path. ' +
            'Set it, or pass a directory with --data.',
        ],
      ],
    )
  }
})

/** Whether this machine allows bind mounts in a private namespace. */
function canMount(): boolean {
  const script = `mkdir -p "$0/data" && cd "$0" && ${READ_ONLY}`
  const directory = mkdtempSync(path.join(tmpdir(), 'persisted-chat-'))
  try {
    return spawnSync('unshare', ['-m', 'sh', '-c', script, directory], { stdio: 'ignore' }).status === 0
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const isRoot = process.getuid?.() === 0

test('does not report unreadable logs as missing', { ...BOUND, skip: !isRoot }, async t => {
  const at = await place(t)
  await start(t, at, ['--data', 'data'])
  const data = path.join(at.cwd, 'data')
  await chmod(data, 0o755)
  for (const command of ['log', 'verify']) {
    const child = startChat(t, [command, 'alice', '--data', data], { cwd: '/', uid: 65534 })
    const { code } = await child.exited
    assert.equal(code, 1)
    assert.equal(child.stderr.length, 1)
    assert.match(
      child.stderr[0] ?? '',
      /^persisted-chat: the logs of alice in .* cannot be read: permission denied; .* belongs to root\. Ask its owner for access/,
    )
  }
})

test('reads logs on a read-only file system', { ...BOUND, skip: !canMount() }, async t => {
  const at = await place(t)
  await start(t, at, ['--data', 'data'])
  for (const [command, last] of [
    ['log', 'alice> hello'],
    ['verify', '1 signed entries  ok'],
    ['export', ''],
  ] as const) {
    const file = command === 'export' ? ' alice.logs' : ''
    const { code, stdout, stderr } = await onReadOnly(t, at, `${command} alice${file}`)
    assert.equal(code, 0, stderr.join('\n'))
    assert.ok((stdout.at(-1) ?? '').endsWith(last), stdout.join('\n'))
  }
  // Commands that write report the cause and what to do.
  for (const command of ['import alice alice.logs', 'alice --no-discovery']) {
    const { code, stderr } = await onReadOnly(t, at, command)
    assert.equal(code, 1)
    assert.match(stderr.at(-1) ?? '', /read-only file system.*\. Copy it to a writable disk/i)
  }
})

test('reads logs on a full disk, and reports the cause to commands that write', {
  ...BOUND,
  skip: !canMount(),
}, async t => {
  const at = await place(t)
  await start(t, at, ['--data', 'data'])
  const [log, chat] = await Promise.all([onFullDisk(t, at, 'log alice'), onFullDisk(t, at, 'alice --no-discovery')])
  assert.deepEqual([log.code, log.stdout], [0, ['alice> hello']], log.stderr.join('\n'))
  assert.equal(chat.code, 1)
  assert.match(chat.stderr.at(-1) ?? '', /no space left.*\. Free some space on that disk, then try again\.$/i)
})

/** Runs a command line on a copy of `data` on a file system without free space. */
function onFullDisk(t: TestContext, at: Place, command: string) {
  const fill = 'cp -a data full/ && { head -c 4m /dev/zero > full/filling; true; } 2>/dev/null'
  const mounts = `mkdir -p full && mount -t tmpfs -o size=1m none full && ${fill}`
  return inNamespace(t, at, mounts, `${command} --data full/data`)
}

/** Runs a command line while `data` is mounted read-only. */
const onReadOnly = (t: TestContext, at: Place, command: string) =>
  inNamespace(t, at, READ_ONLY, `${command} --data data`)

async function inNamespace(t: TestContext, { cwd, env }: Place, mounts: string, command: string) {
  const script = `${mounts} && exec "$0" "$1" ${command}`
  const child = new Child(t, 'unshare', { args: ['-m', 'sh', '-c', script, process.execPath, CHAT_PROGRAM], cwd, env })
  const { code } = await child.exited
  return { code, stdout: child.stdout, stderr: child.stderr }
}

test('rejects a home and a key that another user planted in one line', { ...BOUND, skip: !isRoot }, async t => {
  const at = await place(t)
  const data = path.join(at.cwd, 'shared')
  await mkdir(data)
  await chmod(data, 0o1777)
  await mkdir(path.join(data, 'alice'))
  await writeFile(path.join(data, 'alice/key'), `${'ab'.repeat(32)}\n`, { mode: 0o666 })
  await chown(path.join(data, 'alice/key'), 65534, 65534)
  const planted = async (): Promise<string> => {
    const [to = ''] = await localAddresses(1)
    const { code, stderr } = await ends(t, at, ['alice', '--no-discovery', '--listen', to, '--data', data])
    assert.equal(code, 1)
    return stderr.filter(line => line.startsWith('persisted-chat: ')).join('\n')
  }
  assert.match(await planted(), /^persisted-chat: the key .* belongs to another user[^\n]*$/)
  await chown(path.join(data, 'alice'), 65534, 65534)
  assert.match(await planted(), /^persisted-chat: .*\/alice belongs to another user \(uid 65534\)[^\n]*$/)
  assert.deepEqual(await readdir(path.join(data, 'alice')), ['key'])
})
