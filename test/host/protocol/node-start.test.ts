import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import test from 'node:test'
import { NODE_PROGRAM } from '../../../src/host/protocol/node-start.js'

test('finds the program of the node, so that status notices when its files are replaced', () => {
  assert.ok(existsSync(NODE_PROGRAM), `${NODE_PROGRAM} is missing`)
})
