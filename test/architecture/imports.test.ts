// Enforces src/architecture.json: which directories may import which others, and which files may have side effects.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { parseSync, Visitor } from 'oxc-parser'

const SRC = path.resolve('src')

interface Architecture {
  /** By directory of src/: the directories that it may import from, besides itself. */
  readonly mayImport: Readonly<Record<string, readonly string[]>>
  /** The only files that may reach sockets, disk, clocks, timers or randomness. All others are functions of their inputs. */
  readonly mayTouchWorld: readonly string[]
}

const { mayImport, mayTouchWorld }: Architecture = JSON.parse(fs.readFileSync('src/architecture.json', 'utf8'))

const WORLD_MODULE =
  /^(node:)?(child_process|dgram|dns|fs|http|https|net|os|process|timers|tls|worker_threads)(\/|$)|^(fastify|level|classic-level|multicast-dns)$/
const WORLD_GLOBAL = new Set(['fetch', 'performance', 'process', 'setImmediate', 'setInterval', 'setTimeout'])
const WORLD_MEMBER = new Set(['Date.now', 'Math.random'])
/** Sources of randomness in node:crypto and sodium, which are otherwise pure and allowed everywhere. */
const RANDOMNESS =
  /^(generateKeyPair|generateKeyPairSync|getRandomValues|randomBytes|randomFill|randomFillSync|randomInt|randomUUID|randombytes_buf)$/

interface Source {
  readonly file: string
  readonly imports: readonly string[]
  readonly touches: readonly string[]
}

function read(file: string): Source {
  const imports: string[] = []
  const touches: string[] = []
  const { program, errors } = parseSync(file, fs.readFileSync(path.join(SRC, file), 'utf8'))
  assert.deepEqual(errors, [], file)
  /** Identifiers that are members (`clock.setTimeout`) or keys, and so no globals. */
  const bound = new Set<unknown>()
  /** Names that an object gives to a function of its own. */
  const defined = new Set<unknown>()
  const from = (target: string, isType: boolean): void => {
    imports.push(target)
    if (!isType && WORLD_MODULE.test(target)) touches.push(target)
  }
  new Visitor({
    ImportDeclaration: node => from(node.source.value, node.importKind === 'type'),
    ExportNamedDeclaration: node => {
      if (node.source) from(node.source.value, node.exportKind === 'type')
    },
    ExportAllDeclaration: node => from(node.source.value, false),
    ImportExpression: node => {
      if (node.source.type === 'Literal') from(String(node.source.value), false)
    },
    MemberExpression: node => {
      if (node.computed || node.object.type !== 'Identifier' || node.property.type !== 'Identifier') {
        if (!node.computed) bound.add(node.property)
        return
      }
      bound.add(node.property)
      const member = `${node.object.name}.${node.property.name}`
      if (WORLD_MEMBER.has(member)) touches.push(member)
    },
    Property: node => {
      if (!node.computed) bound.add(node.key)
      if (node.value.type === 'ArrowFunctionExpression') defined.add(node.key)
    },
    MethodDefinition: node => {
      bound.add(node.key)
    },
    PropertyDefinition: node => {
      bound.add(node.key)
    },
    NewExpression: node => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0)
        touches.push('new Date()')
    },
    Identifier: node => {
      if (RANDOMNESS.test(node.name) && !defined.has(node)) touches.push(node.name)
      if (WORLD_GLOBAL.has(node.name) && !bound.has(node)) touches.push(node.name)
    },
  }).visit(program)
  return { file, imports, touches }
}

const sources = fs
  .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(file => /\.ts$/.test(file) && !file.endsWith('.d.ts'))
  .map(file => read(file.replaceAll(path.sep, '/')))
const folderOf = (file: string): string => file.split('/')[0] ?? ''
const edges = sources.flatMap(({ file, imports }) =>
  imports
    .filter(target => target.startsWith('.'))
    .map(target => ({ from: file, to: path.posix.join(path.posix.dirname(file), target).replace(/\.js$/, '.ts') })),
)

test('lists every directory of src', () => {
  const unknown = sources.filter(({ file }) => mayImport[folderOf(file)] === undefined)
  assert.deepEqual(
    unknown.map(({ file }) => file),
    [],
  )
})

test('each directory imports only from those listed for it', () => {
  const wrong = edges.filter(
    ({ from, to }) => folderOf(from) !== folderOf(to) && !mayImport[folderOf(from)]?.includes(folderOf(to)),
  )
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} -> ${to}`),
    [],
  )
})

test('only the listed files use sockets, disk, clocks, timers or randomness', () => {
  const wrong = sources.filter(
    ({ file, touches }) => touches.length > 0 && !mayTouchWorld.some(allowed => file.startsWith(allowed)),
  )
  assert.deepEqual(
    wrong.map(({ file, touches }) => `${file}: ${touches.join(', ')}`),
    [],
  )
})

test('control: detects files that have side effects', () => {
  const touching = sources.filter(({ touches }) => touches.length > 0).map(({ file }) => file)
  for (const file of ['base/clock.ts', 'base/random.ts', 'log/store/level-store.ts', 'net/lan/tcp.ts'])
    assert.ok(touching.includes(file), file)
})

test('there are no import cycles', () => {
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(file), `cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const { from, to } of edges) if (from === file) walk(to, [...trail, file])
    done.add(file)
  }
  for (const { file } of sources) walk(file, [])
})

test('two files use their own location: the program runs compiled and bundled', () => {
  const located = sources.filter(({ file }) => fs.readFileSync(path.join(SRC, file), 'utf8').includes('import.meta'))
  assert.deepEqual(
    located.map(({ file }) => file),
    ['base/packages.ts', 'base/program-files.ts'],
  )
})

test('nothing in src imports the public interface', () => {
  assert.deepEqual(
    edges.filter(({ to }) => to === 'index.ts'),
    [],
  )
})
