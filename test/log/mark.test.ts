import assert from 'node:assert/strict'
import { chmod, cp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { systemRandom } from '../../src/base/random.js'
import type { LogEvent } from '../../src/log/events.js'
import { authorOfKey, logOfKey } from '../../src/log/format/author.js'
import { compareEnd, type OwnEnd } from '../../src/log/mark/doubt.js'
import { decodeMark, type End, encodeMark, type Mark, SLOT_BYTES } from '../../src/log/mark/mark.js'
import { OwnMark } from '../../src/log/mark/own-mark.js'
import type { LogMark } from '../../src/log/options.js'
import type { Cleanup } from '../helper/child.js'
import { alice, bob } from '../helper/signed-world.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'

const author = authorOfKey(alice.publicKey)
const chainOf = (seq: number): Uint8Array => new Uint8Array(32).fill(seq % 256)
const end = (seq: number, run = 0) => ({ run, seq, chain: chainOf(seq) })

async function places(t: Cleanup) {
  const directory = await temporaryDirectory(t)
  const paths = { file: path.join(directory, 'home', 'mark'), copy: path.join(directory, 'state', 'mark') }
  const events: LogEvent[] = []
  const open = (who = author) =>
    OwnMark.open({ ...paths, author: who, random: systemRandom, onEvent: event => events.push(event) })
  return { directory, paths, events, open }
}

/** Writes ends in sequence and closes. */
async function marked(open: () => Promise<OwnMark>, ...ends: ReturnType<typeof end>[]): Promise<void> {
  const mark = await open()
  for (const each of ends) await mark.advance(each)
  await mark.close([])
}

test('round-trips a mark and rejects any flipped bit', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(), fc.nat({ max: 7 }), (seq, at, bit) => {
      const mark: Mark = {
        ...end(seq, seq * 7_001),
        batch: { before: { seq: 3, chain: chainOf(3) }, rows: [{ type: 'put', key: chainOf(1), value: chainOf(2) }] },
        isClean: false,
        generation: 7,
        author,
        place: { machine: 'one', inode: '12', bornMs: 5 },
      }
      const bytes = Buffer.from(encodeMark(mark))
      const read = decodeMark(Buffer.concat([bytes, Buffer.alloc(100)]))
      assert.deepEqual(
        [read?.run, read?.seq, read?.generation, read?.author, read?.place, read?.isClean],
        [mark.run, mark.seq, mark.generation, mark.author, mark.place, false],
      )
      assert.deepEqual(Uint8Array.from(read?.batch?.rows[0]?.value ?? []), chainOf(2))
      const offset = at % bytes.length
      bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
      assert.equal(decodeMark(bytes), undefined)
    }),
  )
})

test('uses the later of two marks, or the only readable one', async t => {
  const { paths, open } = await places(t)
  await marked(open, end(1), end(2))
  const old = await readFile(paths.copy)
  await marked(open, end(9))
  await writeFile(paths.copy, old) // restored in place from an older copy
  let mark = await open()
  assert.deepEqual([mark.found?.seq, mark.isMoved], [9, false])
  await mark.reset(end(9)) // as at each start, after which both marks are equal
  await mark.close([])
  await writeFile(paths.file, 'rubbish')
  mark = await open()
  assert.equal(mark.found?.seq, 9)
  await mark.close([])
  await rm(paths.file)
  await rm(paths.copy)
  mark = await open()
  assert.equal(mark.found, undefined)
  await mark.close([])
})

test('keeps the previous mark after a torn write', async t => {
  const { paths, open } = await places(t)
  await marked(open, end(1), end(2), end(3))
  for (const file of [paths.file, paths.copy]) {
    const bytes = await readFile(file)
    const slots = [0, 1].map(slot => decodeMark(bytes.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)))
    const newest = (slots[0]?.generation ?? 0) > (slots[1]?.generation ?? 0) ? 0 : 1
    bytes.fill(0, newest * SLOT_BYTES + 20, newest * SLOT_BYTES + 60)
    await writeFile(file, bytes)
  }
  const mark = await open()
  assert.ok((mark.found?.seq ?? 0) >= 2)
  await mark.close([])
})

test('lowers a mark only on reset', async t => {
  const { open } = await places(t)
  const mark = await open()
  await mark.advance(end(5))
  await mark.advance(end(3))
  await mark.close([])
  const again = await open()
  assert.equal(again.found?.seq, 5)
  await again.reset(end(3))
  await again.close([])
  const last = await open()
  assert.equal(last.found?.seq, 3)
  await last.close([])
})

test('names the run of the last end, however long the logs of earlier runs are', async t => {
  const { open } = await places(t)
  await marked(open, end(9), end(2, 0x0100_abcd))
  let mark = await open()
  assert.deepEqual([mark.found?.run, mark.found?.seq], [0x0100_abcd, 2])
  await mark.release()
  await marked(open, end(3, 0x0200_0001))
  mark = await open()
  assert.deepEqual([mark.found?.run, mark.run], [0x0200_0001, 0x0200_0001])
  await mark.release()
})

test('ignores the mark of another key', async t => {
  const { open } = await places(t)
  await marked(open, end(5))
  const mark = await open(authorOfKey(bob.publicKey))
  assert.equal(mark.found, undefined)
  await mark.close([])
})

test('recognises a copied directory by its mark unless the second mark is in its original file', async t => {
  const { directory, paths, open } = await places(t)
  await marked(open, end(5))
  await cp(path.join(directory, 'home'), path.join(directory, 'other'), { recursive: true })
  const other = { file: path.join(directory, 'other', 'mark'), author, random: systemRandom, onEvent: () => {} }
  const alone = await OwnMark.open({ ...other, copy: path.join(directory, 'nowhere', 'mark') })
  assert.deepEqual([alone.found?.seq, alone.isMoved], [5, true])
  await alone.release()
  const withState = await OwnMark.open({ ...other, copy: paths.copy })
  assert.deepEqual([withState.found?.seq, withState.isMoved], [5, false])
  await withState.release()
})

test('continues with one mark and reports it if the other cannot be written', async t => {
  const { directory, paths, events, open } = await places(t)
  await writeFile(path.join(directory, 'state'), 'a file in the place of the directory')
  await marked(open, end(4))
  const [failed, ...more] = events
  assert.ok(failed?.kind === 'mark-failed' && failed.file === paths.copy)
  assert.deepEqual(more, [])
  assert.equal((await OwnMark.read(paths, author)).mark?.seq, 4)
})

test('does not write a mark through a symbolic link', async t => {
  const { directory, paths, events, open } = await places(t)
  const precious = path.join(directory, 'precious')
  await writeFile(precious, 'precious')
  await marked(open, end(1))
  await rm(paths.file)
  await symlink(precious, paths.file)
  await marked(open, end(2))
  assert.equal(await readFile(precious, 'utf8'), 'precious')
  assert.equal(events.length, 1)
  await chmod(precious, 0o600)
})

test('reloads the heads of others after a clean close, which only grow', async t => {
  const { paths, open } = await places(t)
  let mark = await open()
  await mark.advance(end(1))
  await mark.close([
    { author: logOfKey(alice.publicKey), seq: 1 },
    { author: logOfKey(bob.publicKey), seq: 12 },
  ])
  mark = await open()
  await mark.close([{ author: logOfKey(bob.publicKey), seq: 7 }])
  await rm(`${paths.file}.heads`)
  const { heads } = await OwnMark.read(paths, author)
  assert.deepEqual([...heads], [[logOfKey(bob.publicKey), 12]])
})

test('decides which ends are in doubt', () => {
  const head = (seq: number) => ({
    author: logOfKey(alice.publicKey),
    seq,
    chain: chainOf(seq),
    first: '' as never,
    last: '' as never,
    size: 0,
  })
  const batch = { before: { seq: 4, chain: chainOf(4) }, rows: [] }
  const mark = (found: End | undefined, isMoved = false): LogMark => ({
    found,
    run: found?.run,
    heads: new Map(),
    isMoved,
    advance: async () => {},
    reset: async () => {},
    forget: () => {},
    close: async () => {},
  })
  const own = (run: number | undefined, seq: number, more: Partial<OwnEnd> = {}): OwnEnd => ({
    run,
    head: seq === 0 ? undefined : head(seq),
    isNewKey: false,
    isRepaired: false,
    ...more,
  })
  const cases: [what: string, ...Parameters<typeof compareEnd>, expected: string][] = [
    ['a new key', mark(undefined), own(undefined, 0, { isNewKey: true }), 'certain'],
    ['an empty database of a key that was used before', mark(undefined), own(undefined, 0), 'no-log'],
    ['a lost database', mark(end(5)), own(undefined, 0, { isNewKey: true }), 'no-log'],
    ['a log without a mark', mark(undefined), own(0, 5), 'no-mark'],
    ['as marked', mark(end(5)), own(0, 5), 'certain'],
    ['longer than marked', mark(end(4)), own(0, 5), 'certain'],
    ['shorter than marked', mark(end(6)), own(0, 5), 'behind'],
    ['all of it lost', mark(end(6)), own(0, 0), 'behind'],
    ['where no marks are kept', undefined, own(0, 4), 'certain'],
    ['the mark names a later run', mark(end(1, 0x0100_0001)), own(0, 5), 'other-run'],
    ['the mark names an earlier run', mark(end(5)), own(0x0100_0001, 1), 'other-run'],
    ['before the batch in flight', mark({ ...end(5), batch }), own(0, 4), 'unfinished'],
    ['further before it', mark({ ...end(5), batch }), own(0, 3), 'behind'],
    ['before the batch in flight, and copied', mark({ ...end(5), batch }, true), own(0, 4), 'behind'],
    ['another history', mark({ ...end(5), chain: chainOf(9) }), own(0, 5), 'other-history'],
    ['copied', mark(end(5), true), own(0, 5), 'moved'],
    ['repaired', mark(end(5)), own(0, 5, { isRepaired: true }), 'repaired'],
  ]
  for (const [what, mark, own, expected] of cases) {
    const finding = compareEnd(mark, own)
    assert.equal(finding.kind === 'doubt' ? finding.reason : finding.kind, expected, what)
  }
})
