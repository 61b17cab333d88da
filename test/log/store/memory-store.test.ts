import assert from 'node:assert/strict'
import test from 'node:test'
import { after } from '../../../src/log/store/store.js'

test('returns the first key after all that begin with a prefix', () => {
  const table: [number[], number[]][] = [
    [[0x61], [0x62]],
    [
      [0x63, 0xc3, 0xbf],
      [0x63, 0xc3, 0xc0],
    ],
    [
      [0x61, 0x00],
      [0x61, 0x01],
    ],
    [[0x61, 0xff], [0x62]],
    [[0x61, 0xff, 0xff], [0x62]],
  ]
  for (const [prefix, end] of table) assert.deepEqual([...after(Uint8Array.from(prefix))], end, String(prefix))
})

test('does not change the prefix', () => {
  for (const prefix of [Uint8Array.of(1, 2), Buffer.of(1, 2)]) {
    after(prefix)
    assert.deepEqual([...prefix], [1, 2])
  }
})
