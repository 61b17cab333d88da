import assert from 'node:assert/strict'
import test from 'node:test'
import { openWeb } from '../../helper/web-machine.js'
import { RequestFailed, WebPage } from '../../helper/web-page.js'

const BOUND = { timeout: 60_000 }

test('welcomes a page with the rooms, the state of the node and the commands', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  const welcome = await page.said('welcome')
  assert.deepEqual([welcome.me, welcome.room], ['alice', 'lobby'])
  assert.ok(welcome.commands.some(({ name }) => name === 'invite'))
  const { rooms } = await page.said('rooms')
  assert.deepEqual(
    rooms.map(({ name, shown, kind, unread }) => ({ name, shown, kind, unread })),
    [{ name: 'lobby', shown: '#lobby', kind: 'public', unread: 0 }],
  )
  assert.equal((await page.said('node')).node.state, 'here')
  await page.close()
})

test('sends lines, replies, reacts, edits and deletes', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  const { page: first } = await page.select('lobby')
  assert.deepEqual([first.rows, first.before, first.after], [[], 0, 0])
  await page.say('see https://example.org/a, bob')
  const line = await page.line('see https://example.org/a, bob')
  assert.deepEqual(line.segments, [
    { kind: 'text', text: 'see ' },
    { kind: 'link', text: 'https://example.org/a', url: 'https://example.org/a', host: 'example.org' },
    { kind: 'text', text: ', bob' },
  ])
  assert.ok(line.author.isOwn)
  const of = { room: 'lobby', line: line.id }
  await page.ask('reply', { ...of, text: 'an answer' })
  const reply = await page.line('an answer')
  assert.equal(reply.about?.id, line.id)
  assert.match(reply.about?.text ?? '', /“see https:\/\/example\.org/)
  await page.ask('react', { ...of, emoji: '👍', isRemoved: false })
  const reacted = await page.line(line.text, ({ reactions }) => reactions.length === 1)
  assert.deepEqual(reacted.reactions, [{ emoji: '👍', count: 1, isOwn: true, names: ['alice'] }])
  await page.ask('edit', { ...of, text: 'changed' })
  assert.ok((await page.line('changed')).isEdited)
  const { versions } = await page.ask('history', of)
  assert.deepEqual(
    versions.map(({ text }) => text),
    ['see https://example.org/a, bob', 'changed'],
  )
  const { text } = await page.ask('delete', of)
  assert.match(text, /was deleted here/)
  const gone = page.rows.get(line.id)
  assert.equal(gone?.kind, 'gap')
  await assert.rejects(page.ask('edit', { ...of, text: 'again' }), RequestFailed)
  await page.close()
})

test('runs the commands of the terminal', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  await page.select('lobby')
  await page.say('/topic apples')
  assert.equal((await page.said('state', ({ state }) => state.topic === 'apples')).state.topic, 'apples')
  await page.say('/help')
  const { notices } = await page.said('notices', said => said.notices.some(({ text }) => text.includes('/invite')))
  assert.ok(notices.every(({ level }) => level === 'list'))
  await page.say('/nonsense')
  await page.said('notices', said =>
    said.notices.some(({ level, text }) => level === 'warning' && /no command/.test(text)),
  )
  await page.say('//slash')
  await page.line('/slash')
  await page.say('/last 5')
  const quote = await page.said('quote')
  assert.ok(quote.rows.some(row => row.kind === 'line' && row.text === '/slash'))
  await page.say('/join ops')
  assert.equal((await page.said('show')).room, 'ops')
  await page.close()
})

test('reads pages of a long history in both directions', BOUND, async t => {
  const { web, machine } = await openWeb(t)
  const face = await machine.face(t)
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => face.say(`line ${index + 1}`)))
  const page = await WebPage.open(web.url)
  const { page: last } = await page.select('lobby')
  const texts = (rows: typeof last.rows): string[] => rows.flatMap(row => (row.kind === 'line' ? [row.text] : []))
  assert.equal(texts(last.rows).at(-1), 'line 1000')
  assert.deepEqual([last.after, last.before], [0, 1_000 - last.rows.length])
  const room = 'lobby'
  const older = await page.ask('page', { room, before: last.rows[0]?.id, count: 50 })
  assert.equal(texts(older.rows).at(-1), `line ${1_000 - last.rows.length}`)
  assert.equal(older.rows.length, 50)
  const newer = await page.ask('page', { room, after: older.rows[0]?.id, count: 49 })
  assert.deepEqual(texts(newer.rows), texts(older.rows).slice(1))
  const middle = await page.ask('page', { room, at: 0.5, count: 20 })
  assert.ok(Math.abs(middle.before - 500) < 220, String(middle.before))
  assert.equal(middle.before + middle.rows.length + middle.after, 1_000)
  const first = await page.ask('page', { room, at: 0, count: 20 })
  assert.ok(first.before < 220)
  await assert.rejects(page.ask('page', { room, around: 'nothing/1', count: 20 }), RequestFailed)
  await page.close()
})

test('sends a burst of lines in few messages, and counts the skipped ones', BOUND, async t => {
  const { web, machine } = await openWeb(t)
  const face = await machine.face(t)
  const page = await WebPage.open(web.url)
  await page.select('lobby')
  const count = 5_000
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: count }, (_, index) => face.say(`line ${index + 1}`)))
  await page.line(`line ${count}`)
  const seconds = (performance.now() - startedAt) / 1_000
  const told = page.messages.flatMap(message => (message.kind === 'rows' && message.isNew ? [message] : []))
  assert.equal(
    told.reduce((sum, { rows, skipped }) => sum + rows.length + skipped, 0),
    count,
  )
  assert.ok(told.every(({ rows }) => rows.length <= 200))
  assert.ok(told.length <= 20 * seconds + 2, `${told.length} messages in ${seconds} s`)
  await page.close()
})

test('saves a draft for the next page', BOUND, async t => {
  const { web } = await openWeb(t)
  const page = await WebPage.open(web.url)
  await page.select('lobby')
  await page.ask('draft', { room: 'lobby', text: 'half a li' })
  await page.select('ops')
  assert.equal((await page.select('lobby')).draft, 'half a li')
  await page.close()
})

test('diagnoses, backs up, and reports when the node is lost and back', BOUND, async t => {
  const { web, machine } = await openWeb(t)
  const page = await WebPage.open(web.url)
  await page.select('lobby')
  assert.ok((await page.ask('doctor', { room: 'lobby', peers: [] })).isOk)
  await assert.rejects(page.bytesOf('backup', { passphrase: 'short' }), /fewer than 8/)
  const backup = await page.bytesOf('backup', { passphrase: 'long enough' })
  assert.equal(String(Buffer.from(backup)), 'sealed with long enough')
  await machine.crash()
  await page.said('node', ({ node }) => node.state === 'silent')
  await page.said(
    'node',
    ({ node }) => node.state === 'here',
    page.messages.findIndex(m => m.kind === 'node' && m.node.state === 'silent'),
  )
  await page.say('after the crash')
  await page.line('after the crash')
  await page.close()
})
