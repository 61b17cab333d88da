import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import test from 'node:test'
import { promisify } from 'node:util'
import { MUTANT_OPTIONS } from '../helper/mutant.js'
import { TAG_BUGS } from './tag-bugs.js'

// docs/protocol/wire.md §2.7: only a peer that knows a room id can name the room, with another tag on each connection.

const RUN = new URL('../helper/relayed-tags-run.js', import.meta.url).pathname

async function openedWith(name: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...MUTANT_OPTIONS, RUN, name])
  return Number(stdout)
}

test('relayed tags of a room open no channel to the relay', async () => {
  assert.equal(await openedWith('none'), 0)
})

for (const { name } of TAG_BUGS)
  test(`control: they do if ${name}`, async () => {
    assert.ok((await openedWith(name)) > 0)
  })
