import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { OPTION_SCOPES } from '../../src/host/options.js'
import { CHAT_PROGRAM } from '../helper/chat-process.js'

test('the table says of every option of the chat whether it concerns a face, a room or the node', () => {
  const help = execFileSync(process.execPath, [CHAT_PROGRAM, 'chat', '--help'], { encoding: 'utf8' })
  const names = [...help.matchAll(/^ {2}(?:-\w, )?--(?:no-)?([a-z-]+)/gm)].map(([, name]) => name)
  assert.deepEqual(names.filter(name => name !== 'help').sort(), Object.keys(OPTION_SCOPES).sort())
})
