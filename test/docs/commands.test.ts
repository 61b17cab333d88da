// Runs every command block of the documents, in a separate network, and compares the output with the one shown.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Child } from '../helper/child.js'
import { blocksOf, commandsOf, DOCUMENTS, isAsShown, readDocument } from '../helper/document.js'

const BOUND = { timeout: 300_000 }
const PROCESS = fileURLToPath(new URL('../helper/document-process.js', import.meta.url))
const RUNNABLE = new Set(['sh', 'console'])
const PROGRAM = new Set(['js', 'ts'])
/** Shown, not run. */
const OTHER = new Set(['text', 'json', 'mermaid'])

/** A network with one interface and no other hosts, so that names and ports are those of the documents. */
const NETWORK = `
ip link set lo up multicast on
ip link add eth0 type veth peer name eth9
for each in eth0 eth9; do sysctl -qw net.ipv6.conf.$each.disable_ipv6=1; ip link set $each up multicast on; done
ip addr add 192.168.1.20/24 dev eth0
`
const inNetwork = (...command: readonly string[]): string[] => [
  ...['--net', '--map-root-user', 'sh', '-ec', `${NETWORK}\nexec "$@"`, 'sh'],
  ...command,
]

const hasNetworks = spawnSync('unshare', inNetwork('true')).status === 0
const hasTmux = spawnSync('tmux', ['-V']).status === 0

describe('the commands of', { concurrency: 3 }, () => {
  for (const file of DOCUMENTS) {
    const blocks = blocksOf(readDocument(file))
    if (!blocks.some(({ language, directives }) => RUNNABLE.has(language) && directives.notRun === undefined)) continue
    test(file, BOUND, async t => {
      if (!hasNetworks) return t.skip('network namespaces are not permitted here')
      if (!hasTmux) return t.skip('tmux is not installed')
      const args = inNetwork(process.execPath, PROCESS, file)
      const child = new Child(t, 'unshare', { args })
      const { code } = await child.exited
      assert.equal(code, 0, child.transcript())
    })
  }
})

test('every block runs, states why it does not, or contains no command', t => {
  let isRun = 0
  let isNotRun = 0
  for (const file of DOCUMENTS) {
    const blocks = blocksOf(readDocument(file))
    for (const { line, language, lines, directives } of blocks) {
      const at = `${file}:${line}`
      if (directives.notRun !== undefined) {
        assert.ok(directives.notRun.length > 10, `${at}: why is it not run?`)
        isNotRun++
      } else if (RUNNABLE.has(language)) isRun++
      else if (PROGRAM.has(language)) {
        const name = directives.saveAs
        assert.ok(name, `${at}: a program has a file name`)
        const isUsed = blocks.some(block => commandsOf(block).some(({ command }) => command.includes(name)))
        assert.ok(isUsed, `${at}: ${name} is never run`)
        isRun++
      } else if (language === 'json') for (const each of lines) JSON.parse(each)
      else if (language !== '') assert.ok(OTHER.has(language), `${at}: ${language}`)
      else assert.deepEqual(lines, [], `${at}: the code block has no language`)
    }
  }
  t.diagnostic(`${isRun} blocks are run, ${isNotRun} are not`)
  assert.ok(isRun > 0 && isNotRun < isRun / 2)
})

test('compares output with the one shown', () => {
  assert.ok(isAsShown(['11:44 alice> hello'], ['12:01 alice> hello', '']))
  assert.ok(!isAsShown(['11:44 alice> hello'], ['12:01 alice> hello', 'bob> hello']))
  assert.ok(!isAsShown(['11:44 alice> hello'], []))
  assert.ok(isAsShown(['alice> hello', '…'], ['alice> hello', 'bob> hello']))
  assert.ok(isAsShown(['…', 'bob> hello'], ['alice> hello', 'bob> hello']))
  assert.ok(!isAsShown(['…', 'alice> hello'], ['alice> hello', 'bob> hello']))
  assert.ok(isAsShown(['info> one', 'info> two', 'x'], ['info> two', 'x', 'info> one']))
  assert.ok(!isAsShown(['info> one', 'x'], ['info> two', 'x', 'info> one']))
})
