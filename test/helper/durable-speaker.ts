// A process that posts the requested lines even if its disk fails, until it is killed. It reads `say FIRST COUNT` from stdin and
// prints:
//
//   open               the log is open
//   stored COUNT       all lines requested so far are stored: COUNT entries
//   persisted COUNT    the log has reported COUNT entries on disk
//   read-only          writes to the disk fail
//   problem TEXT       a fault

import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/base/clock.js'
import { EVENT_KINDS } from '../../src/node/events.js'
import { Outbox } from '../../src/node/outbox.js'
import { textOf } from '../long/chance.js'
import { keysOf } from '../long/ledger.js'
import { logIn } from './logs.js'

const print = (...words: readonly (string | number)[]): void => {
  writeSync(1, `${words.join(' ')}\n`)
}

async function main(directory: string): Promise<void> {
  const clock = {
    now: systemClock.now,
    after: (delayMs: number, action: () => void) => systemClock.after(delayMs / 100, action),
  }
  const log = await logIn(directory, { clock, keys: keysOf('alice') })
  log.on('entries', ({ to }) => print('persisted', to - 1))
  log.on('event', ({ kind }) => {
    if (kind === 'disk-failed') print('read-only')
    else if (EVENT_KINDS[kind] === 'problem') print('problem', kind)
  })
  const outbox = new Outbox(log)
  print('open')
  for await (const command of createInterface(process.stdin)) {
    const [, first, count] = command.split(' ').map(Number)
    for (let line = first ?? 0; line < (first ?? 0) + (count ?? 0); line++) {
      void outbox.post({ username: 'alice', message: textOf(`line-${line}`) }).then(outcome => {
        if (outcome.kind === 'refused') print('problem', outcome.error.toLine())
        else if (outbox.pending === 0) print('stored', log.head[0]?.seq ?? 0)
      })
    }
  }
  process.exit(0) // the parent process is gone
}

main(process.argv[2] ?? '').catch(error => {
  print('problem', String((error as Error).stack).replaceAll('\n', ' | '))
  process.exit(1)
})
