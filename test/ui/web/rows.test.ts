import assert from 'node:assert/strict'
import test from 'node:test'
import type { Draft } from '../../../src/chat/kinds/kinds.js'
import type { Row } from '../../../src/ui/web/protocol/rows.js'
import { forbiddenIn } from '../../helper/forbidden.js'
import { SEED } from '../../helper/seed.js'
import { openWeb } from '../../helper/web-machine.js'
import { WebPage } from '../../helper/web-page.js'
import { chance } from '../../long/chance.js'
import { nastyText } from '../../long/sanitise.js'

const BOUND = { timeout: 60_000 }
const TEXTS = 300

/** All strings in a value, with their paths. */
function* textsIn(value: unknown, path = ''): Generator<readonly [path: string, text: string]> {
  if (typeof value === 'string') yield [path, value]
  else if (typeof value === 'object' && value !== null)
    for (const [member, each] of Object.entries(value)) yield* textsIn(each, `${path}.${member}`)
}

function check(row: Row): void {
  for (const [path, text] of textsIn(row)) {
    const mayBreak = path === '.text' || path.startsWith('.segments')
    for (const line of mayBreak ? text.split('\n') : [text])
      assert.equal(forbiddenIn(line), undefined, `${path}: ${JSON.stringify(line)}`)
  }
}

test('removes control, invisible and reordering characters from all texts', BOUND, async t => {
  const { web, machine } = await openWeb(t)
  const random = chance(SEED)
  const face = await machine.face(t)
  const text = (): string => nastyText(random) || 'x'
  const to = { author: face.id, run: 0, seq: 1 }
  const drafts: (() => Draft)[] = [
    () => ({ kind: 'text', text: text(), username: text() }),
    () => ({ kind: 'action', text: text() }),
    () => ({ kind: 'reply', to, text: text() }),
    () => ({ kind: 'topic', topic: text() }),
    () => ({ kind: 'nick', before: text(), name: text() }),
    () => ({ kind: 'edit', to: { run: 0, seq: 1 }, text: text() }),
  ]
  await face.say('the first line')
  for (let index = 0; index < TEXTS; index++) await face.say(drafts[index % drafts.length]?.() ?? 'x').catch(() => {})
  const page = await WebPage.open(web.url)
  const first = await page.select('lobby')
  const older = await page.ask('page', { room: 'lobby', before: first.page.rows[0]?.id, count: 200 })
  const rows = [...older.rows, ...first.page.rows]
  assert.ok(rows.length > TEXTS / 2, `${rows.length} rows`)
  for (const row of rows) check(row)
  for (const [path, each] of textsIn(first.state)) assert.equal(forbiddenIn(each), undefined, path)
  const from = page.messages.length
  await face.say({ kind: 'text', text: `live ${text()}` })
  const live = await page.said('rows', ({ isNew }) => isNew, from)
  for (const row of live.rows) check(row)
  await page.say('/last 100')
  const quote = await page.said('quote')
  for (const row of quote.rows) check(row)
  await page.close()
})
