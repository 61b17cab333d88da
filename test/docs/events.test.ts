import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { EVENT_KINDS } from '../../src/index.js'
import { oneOfEach } from '../helper/any-event.js'

test('docs/events.md lists every kind of event with its fields', async () => {
  const page = await readFile('docs/events.md', 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (problem|change) \| (.*?) ?\| .+ \|$/gm)].map(
    ([, kind = '', level = '', fields = '']) => ({ kind, level, fields: fields.match(/\w+/g) ?? [] }),
  )
  const expected = oneOfEach().flatMap(event => {
    if (!Object.hasOwn(EVENT_KINDS, event.kind)) return [] // only faces know it
    const { kind, ...fields } = event
    return [{ kind, level: EVENT_KINDS[kind as keyof typeof EVENT_KINDS], fields: Object.keys(fields).sort() }]
  })
  assert.deepEqual(
    rows.map(row => ({ ...row, fields: [...row.fields].sort() })),
    expected,
  )
})
