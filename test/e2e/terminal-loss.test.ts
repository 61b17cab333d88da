import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CHAT_PROGRAM, openChat } from '../helper/chat-process.js'
import { Child } from '../helper/child.js'
import { PATIENCE_MS } from '../helper/patience.js'
import { localAddresses } from '../helper/ports.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { TerminalWindow } from '../helper/terminal.js'

// The terminal is restored, and used again, however it was lost.

const BOUND = { timeout: 300_000 }
const run = promisify(execFile)
const LOOK_MS = 20

interface Chat {
  readonly listen: string
  readonly data: string
  readonly command: string
}

async function chatOf(t: TestContext, ...nodeOptions: readonly string[]): Promise<Chat> {
  const [listen = ''] = await localAddresses(1)
  const data = await temporaryDirectory(t)
  const node = [process.execPath, ...nodeOptions].join(' ')
  return { listen, data, command: `${node} ${CHAT_PROGRAM} alice --listen ${listen} --no-discovery --data ${data}` }
}

/** An interactive shell with job control. */
const openShell = (t: TestContext): Promise<TerminalWindow> =>
  TerminalWindow.open(t, ['bash', '--norc', '-i'], { columns: 200, env: { PS1: '$ ' } })

/** The process of a chat, found by its address. */
async function pidOf({ listen }: Chat): Promise<number> {
  const { stdout } = await run('pgrep', ['-f', `^${process.execPath}.* alice --listen ${listen} `])
  return Number(stdout.trim())
}

const frames = (rows: readonly string[]): number => rows.filter(row => row.startsWith('#lobby')).length

const WRAPPERS: readonly (readonly [name: string, wrap: (command: string) => string])[] = [
  ['a shell', command => `sh -c '${command}; true'`],
  ['a program started by a shell', command => `sh -c 'sh -c "${command}; true"; true'`],
  ['timeout, nice and env', command => `timeout 600 nice env A=b ${command}`],
]

for (const [name, wrap] of WRAPPERS)
  test(`returns to the shell on Ctrl-Z, and continues on fg, under ${name}`, BOUND, async t => {
    const chat = await chatOf(t)
    const shell = await openShell(t)
    await shell.enter(wrap(chat.command))
    await shell.waitFor('#lobby · alone')
    await shell.type('half')
    await shell.waitFor('alice> half')
    await shell.press('C-z')
    await shell.waitFor('Stopped')
    assert.equal(await shell.property('cursor_flag'), '1')
    await shell.enter('echo in the $0')
    assert.equal(frames(await shell.waitFor('in the bash')), 0)
    await shell.enter('fg')
    await shell.waitFor('alice> half')
    await shell.enter(' a line')
    await shell.waitFor(/alice │ half a line {2}✓/)
  })

test('reports that Ctrl-Z does nothing where no shell could continue the program', BOUND, async t => {
  const chat = await chatOf(t)
  for (const command of [chat.command, `script -qec '${chat.command}' /dev/null`]) {
    const window = await TerminalWindow.open(t, ['sh', '-c', command])
    await window.waitFor('#lobby · alone')
    await window.press('C-z')
    await window.waitFor('Ctrl-Z does nothing here')
    await window.enter('still here')
    const rows = await window.waitFor(/alice │ still here {2}✓/)
    assert.equal(frames(rows), 1)
    await window.press('C-c', 'y')
    assert.equal(await window.ended(), 0)
  }
})

test('leaves the terminal to the shell in the background, and draws everything in the foreground', BOUND, async t => {
  const [b = ''] = await localAddresses(1)
  const chat = await chatOf(t)
  const shell = await openShell(t)
  await shell.enter(`${chat.command} ${b}`)
  await shell.waitFor('#lobby · alone')
  await shell.press('C-z')
  await shell.waitFor('Stopped')
  const before = frames(await shell.screen())
  await shell.enter('bg')
  const bob = await openChat(t, { me: 'bob', listen: b, data: chat.data })
  await bob.waitForLine('connected to', { stream: 'stderr' })
  bob.type('into the background')
  await shell.enter('echo $((6 * 7)) typed while it runs')
  const rows = await shell.waitFor('42 typed while it runs')
  assert.equal(frames(rows), before)
  await shell.enter('jobs')
  await shell.waitFor('Running')
  await shell.enter('fg')
  await shell.waitFor('bob │ into the background')
  await shell.enter('from the front')
  await bob.waitForLine('alice> from the front')
})

test('uses the terminal once a background start is in the foreground', BOUND, async t => {
  const chat = await chatOf(t)
  const shell = await openShell(t)
  await shell.enter(`${chat.command} &`)
  await shell.waitFor('info> this chat runs in the background: fg shows it')
  await shell.enter('echo $((6 * 7)) typed while it runs')
  const rows = await shell.waitFor('42 typed while it runs')
  assert.equal(frames(rows), 0)
  await shell.enter('fg')
  await shell.waitFor('#lobby · alone')
  await shell.enter('from the front')
  await shell.waitFor(/alice │ from the front {2}✓/)
  await shell.press('C-z')
  await shell.waitFor('Stopped')
})

test('does not lock the keyboard when the end of a paste is missing', BOUND, async t => {
  const chat = await chatOf(t)
  const window = await TerminalWindow.open(t, ['sh', '-c', chat.command])
  await window.waitFor('#lobby · alone')
  await window.type('\u001b[200~half')
  await window.waitFor('alice> half')
  await window.enter(' a line')
  await window.waitFor(/alice │ half a line {2}✓/)
  await window.type('\u001b[200~and no end')
  await window.press('C-c')
  await window.waitFor('Your last line is not delivered')
  await window.press('y')
  assert.equal(await window.ended(), 0)
})

test('uses the terminal again after SIGSTOP and SIGCONT', BOUND, async t => {
  const chat = await chatOf(t)
  const shell = await openShell(t)
  await shell.enter(chat.command)
  await shell.waitFor('#lobby · alone')
  const pid = await pidOf(chat)
  for (const signal of ['SIGTSTP', 'SIGSTOP'] as const) {
    await shell.type(`after ${signal}`)
    await shell.waitFor(`alice> after ${signal}`)
    process.kill(pid, signal)
    await shell.waitFor('Stopped')
    await shell.enter('clear')
    await shell.waitFor(rows => !rows.some(row => row.includes('Stopped')))
    await shell.enter('echo the $0')
    await shell.waitFor('the bash')
    await shell.enter('fg')
    await shell.waitFor(rows => frames(rows) === 1 && rows.at(-1) === `alice> after ${signal}`)
    await shell.press('Enter')
    await shell.waitFor(new RegExp(`alice │ after ${signal} {2}✓`))
  }
})

test('draws its frame once after SIGSTOP and SIGCONT without a shell', BOUND, async t => {
  const chat = await chatOf(t)
  const window = await TerminalWindow.open(t, ['sh', '-c', chat.command])
  await window.waitFor('#lobby · alone')
  const pid = await pidOf(chat)
  process.kill(pid, 'SIGSTOP')
  await window.type('typed meanwhile')
  process.kill(pid, 'SIGCONT')
  const rows = await window.waitFor('alice> typed meanwhile')
  assert.equal(frames(rows), 1)
})

/** Makes a chat throw an uncaught error. */
const THROWS = `--import=data:text/javascript,process.on("SIGUSR1",()=>{throw(Error("oops"))})`

test('restores the terminal after any signal and after an uncaught error', BOUND, async t => {
  for (const signal of ['SIGQUIT', 'SIGALRM', 'SIGUSR2', 'SIGABRT', 'SIGTERM', 'SIGINT', 'SIGUSR1'] as const) {
    const chat = await chatOf(t, ...(signal === 'SIGUSR1' ? [`'${THROWS}'`] : []))
    const shell = await TerminalWindow.open(t, [
      'sh',
      '-c',
      `ulimit -c 0; ${chat.command}; stty -a; echo left; exec cat`,
    ])
    await shell.waitFor('#lobby · alone')
    process.kill(await pidOf(chat), signal)
    const rows = await shell.waitFor('left')
    assert.ok(
      rows.some(row => /(^| )icanon( |$)/.test(row)),
      `${signal}\n${rows.join('\n')}`,
    )
    assert.equal(await shell.property('cursor_flag'), '1', signal)
    await shell.paste('pasted')
    const after = await shell.waitFor('pasted')
    assert.ok(!after.some(row => row.includes('200~')), `${signal}\n${after.join('\n')}`)
  }
})

/** Runs a command on a terminal that is then closed. Returns its exit code and stderr. */
async function endWithTerminal(t: TestContext, command: string, ready: string, onClosed = () => {}) {
  const directory = await temporaryDirectory(t)
  const [code, stderr] = [path.join(directory, 'code'), path.join(directory, 'stderr')]
  // The shell ignores SIGHUP, so that it can write the code.
  const shell = `ulimit -c 0; trap '' HUP; ${command} 2> ${stderr}; echo "code $?" > ${code}`
  const terminal = new Child(t, 'script', { args: ['-qfec', shell, '/dev/null'] })
  await terminal.waitForLine(ready)
  await terminal.stop('SIGKILL')
  onClosed()
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const end = await readFile(code, 'utf8').catch(() => '')
    if (end.includes('\n')) return { end: end.trim(), stderr: await readFile(stderr, 'utf8') }
    assert.ok(Date.now() < deadline, 'it does not end')
    await pause(LOOK_MS)
  }
}

test('exits without an abort when its terminal is closed, with and without SIGHUP', BOUND, async t => {
  for (const hasSignal of [false, true]) {
    const chat = await chatOf(t)
    const { end, stderr } = await endWithTerminal(t, chat.command, 'listening on', () => {
      if (hasSignal) void pidOf(chat).then(hangUp, () => {}) // it may have ended already
    })
    assert.equal(end, 'code 0', stderr)
    assert.ok(!stderr.includes('Assertion'), stderr)
  }
})

/** Sends SIGHUP until the process is gone, so that one arrives at each moment of its end. */
function hangUp(pid: number): void {
  try {
    process.kill(pid, 'SIGHUP')
    setImmediate(hangUp, pid)
  } catch {
    // It has ended.
  }
}

test('control: another program aborts when its terminal is closed', BOUND, async t => {
  const careless = `${process.execPath} -e 'process.stdin.on("end", () => process.exit()).resume(); console.log("ready")'`
  const { end } = await endWithTerminal(t, careless, 'ready')
  assert.match(end, /^code 13[49]$/) // SIGABRT, or SIGSEGV on the way there
})
