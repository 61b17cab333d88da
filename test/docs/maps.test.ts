// The tables that lead into the source: what they name exists.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { readDocument } from '../helper/document.js'

/** The cells of each row of the tables whose last column is the test. */
function rowsOf(text: string): string[][] {
  const tables = [...text.matchAll(/^\|.*\| test \|\n\| --- .*\n((?:\|.*\n)+)/gm)]
  return tables.flatMap(([, rows = '']) => rows.trimEnd().split('\n')).map(row => row.split('|').slice(1, -1))
}

const spansOf = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)

/** What a place such as `net/topology.ts:opened` lacks; undefined if it is there. */
function missing(place: string, folder: string): string | undefined {
  const [file = '', name] = place.split(':')
  const found = [folder, 'src'].map(root => path.join(root, file)).find(each => existsSync(each))
  if (found === undefined) return `${place}: no such file`
  return name === undefined || readFileSync(found, 'utf8').includes(name) ? undefined : `${place}: no such name`
}

const isTest = (name: string): boolean =>
  existsSync(`test/${name}.test.ts`) || existsSync(`test/${name.replace(/\/$/, '')}`)

/** The places and tests of a document's tables that do not exist. */
function faultsIn(text: string, folder: string, where: number): string[] {
  return rowsOf(text).flatMap(cells => [
    ...spansOf(cells[where])
      .filter(span => /\.ts(:|$)/.test(span) && !span.includes('*'))
      .flatMap(span => missing(span, folder) ?? []),
    ...spansOf(cells.at(-1))
      .filter(name => !isTest(name))
      .map(name => `${name}: no such test`),
  ])
}

for (const [file, folder] of [
  ['docs/architecture.md', 'src'],
  ['src/net/README.md', 'src/net'],
  ['src/sync/README.md', 'src/sync'],
] as const)
  test(`${file} names code and tests that exist`, () => {
    assert.deepEqual(faultsIn(readDocument(file), folder, 1), [])
    assert.ok(rowsOf(readDocument(file)).length > 10)
  })

test('control: finds what does not exist', () => {
  const text = `| gate | where | test |
| --- | --- | --- |
| frame | \`topology.ts:opened\`, \`nothing.ts\`, \`topology.ts:nothingLikeThis\` | \`net/topology\`, \`net/nothing\` |
`
  assert.deepEqual(faultsIn(text, 'src/net', 1), [
    'nothing.ts: no such file',
    'topology.ts:nothingLikeThis: no such name',
    'net/nothing: no such test',
  ])
})
