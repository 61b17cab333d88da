import assert from 'node:assert/strict'
import test from 'node:test'
import { utf8 } from '../../../src/base/wire/bytes.js'
import { provenHeads } from '../../../src/cli/store/proven-heads.js'
import { NodeStore } from '../../../src/host/server/node-store.js'
import { StoredReplicas } from '../../../src/host/server/stored-replicas.js'
import { type AuthorId, type LogId, logOf } from '../../../src/log/format/author.js'
import { Receipts } from '../../../src/sync/receipts.js'
import { MemoryDisk, MemoryStore } from '../../helper/memory-store.js'
import { VirtualClock } from '../../helper/virtual-clock.js'

const [ALICE, BOB, CAROL] = ['a', 'b', 'c'].map(digit => digit.repeat(64)) as [AuthorId, AuthorId, AuthorId]
const LABEL = 'lobby'

/** The chain value of a place in the history that alice has. */
const chainOf = (seq: number): Uint8Array => Uint8Array.of(seq, 1)

/** The receipts of alice, stored on a disk in memory. */
function stored() {
  const disk = new MemoryDisk()
  const clock = new VirtualClock()
  const receipts = new Receipts({
    clock,
    isOurs: log => log === logOf(ALICE),
    placeOf: place => place,
    chainAt: async (_log, seq) => chainOf(seq),
  })
  const replicas = new StoredReplicas(new NodeStore(new MemoryStore(disk)), LABEL, receipts, clock)
  const read = () => new NodeStore(new MemoryStore(disk)).replicas(LABEL)
  return { disk, clock, receipts, replicas, read }
}

const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
}

test('stores what known peers have proven, with the places without content, and nothing of strangers', async () => {
  const { clock, receipts, replicas, read } = stored()
  const bob = receipts.open(BOB)
  bob.record([
    { author: logOf(ALICE), seq: 3, chain: chainOf(3) },
    { author: logOf(CAROL), seq: 7, chain: Uint8Array.of(7, 7) },
    { author: logOf(BOB), seq: 2 },
  ])
  bob.gaps([{ author: logOf(CAROL), ranges: [{ from: 2, to: 4 }] }] as never)
  receipts.open(CAROL, { isKnown: () => false }).record([{ author: logOf(BOB), seq: 1, chain: chainOf(1) }])
  receipts.open('10.0.0.1:4000').record([{ author: logOf(BOB), seq: 1, chain: chainOf(1) }])
  await settle()
  assert.deepEqual(await read(), [])
  clock.advance(5_000)
  await settle()
  const [row, ...others] = await read()
  assert.deepEqual(others, [])
  assert.equal(row?.peer, BOB)
  assert.deepEqual(
    row?.heads.map(({ author, seq, chain, without }) => [author, seq, [...chain], without]),
    [
      [logOf(ALICE), 3, [3, 1], []],
      [logOf(CAROL), 7, [7, 7], [{ from: 2, to: 4 }]],
    ],
  )
  bob.record([{ author: logOf(ALICE), seq: 4, chain: chainOf(4) }])
  bob.close()
  await settle()
  await replicas.close()
  assert.equal((await read())[0]?.heads[0]?.seq, 4, 'also what is known when the room closes')
})

test('another history of our log is not stored as a copy', async () => {
  const { receipts, replicas, read } = stored()
  receipts.open(BOB).record([{ author: logOf(ALICE), seq: 3, chain: Uint8Array.of(9, 9) }])
  await settle()
  await replicas.close()
  assert.deepEqual(
    (await read()).flatMap(({ heads }) => heads),
    [],
  )
})

test('ignores rows that are damaged, or that another version wrote', async () => {
  const { disk, read } = stored()
  const values = ['', '{', '[]', '{"at":1}', '{"at":1,"heads":[1,[],["x",-1,"00",[]],["y"],[null,-1]]}']
  const range = `{"at":1,"heads":[["${ALICE}",3,"0301",[[1]]],["${ALICE}",3,7,[]]]}`
  disk.write(
    [...values, range].map((value, index) => ({
      type: 'put',
      key: utf8(`replica/${LABEL}/${String(index).repeat(64)}`),
      value: utf8(value),
    })),
  )
  assert.deepEqual(
    (await read()).flatMap(({ heads }) => heads),
    [],
  )
})

test('a stored head counts only while its chain value is that of the log here', async () => {
  const head = (author: LogId, seq: number, chain: Uint8Array) => ({ author, seq, chain, without: [] })
  const heads = [head(logOf(ALICE), 3, chainOf(3)), head(logOf(CAROL), 3, Uint8Array.of(9, 9))]
  const log = {
    head: [ALICE, BOB, CAROL].map(author => ({ author: logOf(author), seq: 5 })),
    chainAt: async (_log: LogId, seq: number) => (seq <= 5 ? chainOf(seq) : undefined),
  }
  const proven = async (of: typeof heads) => [...(await provenHeads(log, { peer: BOB, at: 1, heads: of })).keys()]
  assert.deepEqual(await proven(heads), [logOf(BOB), logOf(ALICE)], 'what bob wrote, and the head that agrees')
  assert.deepEqual(await proven([head(logOf(ALICE), 6, chainOf(6))]), [logOf(BOB)], 'it cannot be compared')
  assert.deepEqual(await proven([head(logOf(BOB), 2, Uint8Array.of(9, 9))]), [], 'bob announced another history')
})
