import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { WASM_SOURCE } from '../../src/log/format/entry-validator-wasm.js'

const ASSEMBLY = new URL('../../../wasm/assembly/', import.meta.url)

test('the WebAssembly was compiled from the sources beside it', () => {
  const source = createHash('sha256')
  const names = readdirSync(ASSEMBLY).filter(name => name.endsWith('.ts'))
  for (const name of names.sort()) source.update(readFileSync(new URL(name, ASSEMBLY)))
  assert.equal(WASM_SOURCE, source.digest('hex'), 'run `npm --prefix wasm ci && npm --prefix wasm run build`')
})
