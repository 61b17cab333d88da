import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { startChat } from './chat-process.js'
import type { Child, Cleanup } from './child.js'
import { ended, nodePid } from './running-node.js'
import { temporaryDirectory } from './temporary-directory.js'

export interface StormOptions {
  readonly faces: number
  readonly kills: number
  readonly victim: 'face' | 'node'
}

export interface StormFigures {
  readonly typed: number
  readonly stored: number
  readonly kills: number
}

const ME = 'alice'
const EVERY_MS = 5

/** Processes with a data directory in their command line. */
export async function processesOf(data: string): Promise<number[]> {
  const pids: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(data)) pids.push(Number(name))
  }
  return pids
}

/** Types lines to a face until it is killed. */
class Typist {
  readonly child: Child
  readonly typed: string[] = []
  isKilled = false
  readonly #name: string

  constructor(child: Child, name: string) {
    this.child = child
    this.#name = name
  }

  type(): void {
    const line = `${this.#name} ${this.typed.length}`
    this.typed.push(line)
    this.child.type(line)
  }
}

/**
 * Runs faces of one user under load and kills some of them, or their node, with SIGKILL. Afterwards every line that was typed to
 * a surviving face or shown by any face is in the log once, and no process is left.
 */
export async function storm(cleanup: Cleanup, { faces, kills, victim }: StormOptions): Promise<StormFigures> {
  const data = await temporaryDirectory(cleanup)
  const home = { me: ME, data }
  const args = [ME, '--data', data, '--no-discovery', '--listen', '127.0.0.1:0', '--plain']
  let count = 0
  const start = async (): Promise<Typist> => {
    const child = startChat(cleanup, args)
    await child.waitForLine('info> listening on', { stream: 'stderr' })
    return new Typist(child, `face ${count++}:`)
  }
  const alive = await Promise.all(Array.from({ length: faces }, start))
  const all = [...alive]
  let isOver = false
  const typing = (async () => {
    while (!isOver) {
      for (const typist of alive) typist.type()
      await pause(EVERY_MS)
    }
  })()
  for (let kill = 0; kill < kills; kill++) {
    await pause(50 + Math.random() * 250)
    if (victim === 'node') {
      const pid = await nodePid(home)
      if (pid === undefined) continue
      process.kill(pid, 'SIGKILL')
      await ended(pid)
      continue
    }
    const index = Math.floor(Math.random() * alive.length)
    const dead = alive[index] ?? assert.fail()
    alive.splice(index, 1)
    dead.isKilled = true
    await dead.child.stop('SIGKILL')
    const next = await start()
    alive.push(next)
    all.push(next)
  }
  isOver = true
  await typing
  // A face that is started last shows the whole log.
  for (const { child, typed } of alive) await child.waitForLine(`> ${typed.at(-1) ?? ''}`)
  const node = await nodePid(home)
  for (const { child } of alive) assert.equal(await child.stop(), 0, child.transcript())
  if (node !== undefined) await ended(node)
  const log = startChat(cleanup, ['log', ME, '--data', data, '--json'])
  assert.equal((await log.exited).code, 0, log.transcript())
  const stored = log.stdout.map(line => (JSON.parse(line) as { message: string }).message)
  assertOnce(stored, all)
  assert.deepEqual(await processesOf(data), [])
  return { typed: all.reduce((sum, { typed }) => sum + typed.length, 0), stored: stored.length, kills }
}

function assertOnce(stored: readonly string[], all: readonly Typist[]): void {
  const places = new Map(stored.map((line, index) => [line, index]))
  assert.equal(places.size, stored.length, 'a line is stored twice')
  for (const { child, typed, isKilled } of all) {
    const shown = child.stdout.map(line => line.replace(/^alice> /, ''))
    for (const line of shown) assert.ok(places.has(line), `${line} was shown and is not stored`)
    if (isKilled) continue
    assert.deepEqual(
      typed.filter(line => !places.has(line)),
      [],
      child.transcript().slice(-2_000),
    )
    const order = typed.map(line => places.get(line) ?? 0)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      'lines of one face are in another order',
    )
    assert.equal(new Set(shown).size, shown.length, 'a face shows a line twice')
    for (const line of typed) assert.ok(shown.includes(line), `${line} was not shown`)
  }
}
