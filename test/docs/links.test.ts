// Links between the documents resolve, and the tables that describe the source match it.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { DOCUMENTS, readDocument } from '../helper/document.js'

const readmes = ['src', 'test', 'bench'].flatMap(directory =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter(file => /(^|\/)README\.md$/.test(file) && !file.includes('node_modules'))
    .map(file => path.posix.join(directory, file)),
)

/** Text without its code blocks and code spans. */
const proseOf = (text: string): string => text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '')

/** The anchors that GitHub generates for the headings. */
const anchorsOf = (file: string): Set<string> =>
  new Set(
    [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

/** The broken links of a text. */
function deadLinks(file: string, text: string): string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter(target => !/^(https?|mailto):/.test(target))
    .filter(target => {
      const [to = '', anchor] = target.split('#')
      const found = to === '' ? file : path.join(path.dirname(file), to)
      if (!existsSync(found)) return true
      return anchor !== undefined && (statSync(found).isDirectory() || !anchorsOf(found).has(anchor))
    })
    .map(target => `${file}: ${target}`)
}

test('no link is broken', () => {
  const files = [...DOCUMENTS, ...readmes, 'CHANGELOG.md']
  assert.deepEqual(
    files.flatMap(file => deadLinks(file, readDocument(file))),
    [],
  )
})

test('control: finds broken links', () => {
  const text = '[a](nothing.md) [b](#nothing) [c](README.md#nothing) [d](README.md) [e](https://example.org)'
  assert.equal(deadLinks('README.md', text).length, 3)
})

test('every document is reachable from the README', () => {
  const reached = new Set(['README.md'])
  for (const file of reached)
    for (const [, target = ''] of proseOf(readDocument(file)).matchAll(/\]\(([^)#\s]+\.md)[^)]*\)/g)) {
      const found = path.posix.join(path.posix.dirname(file), target)
      if (!target.startsWith('http')) reached.add(found)
    }
  assert.deepEqual(
    DOCUMENTS.filter(file => !reached.has(file)),
    [],
  )
})

test('the README has at most 150 lines', () => {
  assert.ok(readDocument('README.md').trimEnd().split('\n').length <= 150)
})

/** `DOCS=write` regenerates the table. */
test('the import table in docs/architecture.md matches src/architecture.json', () => {
  const { mayImport }: { mayImport: Record<string, string[]> } = JSON.parse(
    readFileSync('src/architecture.json', 'utf8'),
  )
  const text = readDocument('docs/architecture.md')
  const described = new Map(
    [...text.matchAll(/^\| `([\w.-]+)` \| .*? \| (.*) \|$/gm)].map(([, directory = '', what = '']) => [
      directory,
      what,
    ]),
  )
  const rows = Object.entries(mayImport).map(([directory, others]) => {
    const list = others.length === 0 ? 'nothing' : others.map(each => `\`${each}\``).join(', ')
    return `| \`${directory}\` | ${list} | ${described.get(directory) ?? ''} |\n`
  })
  const [before = ''] = /^.*?\| directory \| may import \|.*?\n.*?\n/s.exec(text) ?? []
  const after = text.slice(before.length).replace(/^(\|.*\n)*/, '')
  const expected = `${before}${rows.join('')}${after}`
  if (process.env['DOCS'] === 'write') writeFileSync('docs/architecture.md', expected)
  else assert.equal(text, expected)
})

test('the classes that the documents name exist', () => {
  const source = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts'))
    .map(file => readFileSync(path.join('src', file), 'utf8'))
    .join('\n')
  const names = ['docs/how-it-works.md', 'docs/architecture.md', 'docs/library.md'].flatMap(
    file => readDocument(file).match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? [],
  )
  assert.ok(names.length > 10)
  assert.deepEqual(
    names.filter(name => !source.includes(name)),
    [],
  )
})

test('the files that the glossary and the architecture name exist', () => {
  const named = ['docs/glossary.md', 'docs/architecture.md'].flatMap(document =>
    [...readDocument(document).matchAll(/`([a-z][\w./-]*(?:\.ts|\/))`/g)].map(([, file = '']) => file),
  )
  assert.ok(named.length > 30)
  assert.deepEqual(
    named.filter(file => !existsSync(path.join('src', file)) && !existsSync(file)),
    [],
  )
})

test('docs/architecture.md lists every directory of src', () => {
  const directories = readdirSync('src', { withFileTypes: true }).filter(each => each.isDirectory())
  const text = readDocument('docs/architecture.md')
  assert.deepEqual(
    directories.map(({ name }) => name).filter(name => !text.includes(`\n| \`${name}\` |`)),
    [],
  )
})
