import assert from 'node:assert/strict'
import test from 'node:test'
import { localAddresses, startOriginal } from '../helper/original-peer.js'
import { temporaryDirectory } from '../helper/temporary-directory.js'
import { change, framed, handshake, Stranger, said } from '../interop/original/stranger.js'
import { between, chance } from '../long/chance.js'
import { mutatedSessions } from '../long/mutated-sessions.js'

const SEED = 1

test('500 sessions with one byte changed: no death, nothing stored that is no entry, no memory lost', {
  timeout: 60_000,
}, async () => {
  const { figures, faults } = await mutatedSessions.run({ cycles: 500, seed: SEED })
  assert.deepEqual(faults, [], JSON.stringify(figures))
  const { storedWhole = 0 } = figures
  assert.ok(storedWhole > 25 && storedWhole < 400, `changes are felt, and not by all: ${JSON.stringify(figures)}`)
})

test('control: the original dies of one of thirty such sessions', { timeout: 60_000 }, async t => {
  const [address = ''] = await localAddresses(1)
  const original = startOriginal(t, { me: address, data: await temporaryDirectory(t) })
  await original.waitForLine('info> listening as')
  const random = chance(SEED)
  for (let session = 0; session < 30; session++) {
    const bytes = Buffer.concat([
      framed('0.0.0.0:0'),
      handshake('stranger'),
      ...[1, 2, 3, 4].map(seq => change(`author${session}`, seq, said('stranger', `line ${seq}`))),
    ])
    const place = between(random, 0, bytes.length)
    bytes[place] = (bytes[place] ?? 0) ^ between(random, 1, 256)
    const stranger = new Stranger(t, address)
    stranger.send(bytes)
    stranger.end()
    await stranger.closed
    // It lives if it lets another one in.
    const witness = new Stranger(t, address)
    witness.send(framed(`0.0.0.0:${session}`))
    const isAlive = await witness.hear(framed(address)).then(
      () => true,
      () => false,
    )
    if (!isAlive) {
      assert.deepEqual(await original.exited, { code: 1, signal: null }, original.transcript())
      return
    }
  }
  assert.fail('it is still alive')
})
