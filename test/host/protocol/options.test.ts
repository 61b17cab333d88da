import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import { OPTION_SCOPES } from '../../../src/host/protocol/options.js'
import { CHAT_PROGRAM } from '../../helper/chat-process.js'

test('gives every option of the chat a scope', () => {
  const help = execFileSync(process.execPath, [CHAT_PROGRAM, 'chat', '--help'], { encoding: 'utf8' })
  const names = [...help.matchAll(/^ {2}(?:-\w, )?--(?:no-)?([a-z-]+)/gm)].map(([, name]) => name)
  assert.deepEqual(names.filter(name => name !== 'help').sort(), Object.keys(OPTION_SCOPES).sort())
})
