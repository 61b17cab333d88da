// A process that is killed by tests: two logs that replicate with each other, both appended to as fast as possible. It prints
// every acknowledgement:
//
//   open                            both logs are open
//   unopened CODE                   they could not be opened, and opening is retried
//   appended WHO SEQ TOKEN          an append resolved
//   persisted WHO AUTHOR SEQ        the author's entries up to SEQ are on WHO's disk
//   refused WHO CODE                an append rejected
//   read-only WHO, writable WHO     the log emitted this event
//   problem TEXT                    a fault

import { writeSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { ChatError } from '../../src/base/errors.js'
import type { Log } from '../../src/log/log.js'
import { LevelStore } from '../../src/log/store/level-store.js'
import type { Store } from '../../src/log/store/store.js'
import { EVENT_KINDS } from '../../src/node/events.js'
import { textOf } from '../long/chance.js'
import { CAROL, keysOf, type Who } from '../long/ledger.js'
import { StaleHandleStore, UnsyncedStore } from './careless-stores.js'
import { logOver, replicate } from './logs.js'

export interface WriterOptions {
  /** Contains a database for alice and one for bob. */
  readonly data: string
  /** Prefix of every token, so that no two runs append the same text. */
  readonly run: string
  /** How the databases are written; all but `level` are controls. */
  readonly store: 'level' | 'unsynced' | 'going-on'
}

const SPEAKERS = 12
const OPENINGS_MAX = 1_000

/** Shortens every delay to a hundredth, so that the disk is retried soon. */
const hastyClock: Clock = {
  now: systemClock.now,
  after: (delayMs, action) => systemClock.after(delayMs / 100, action),
}

function print(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(' ')}\n`)
}

async function openStore(directory: string, kind: WriterOptions['store']): Promise<Store> {
  if (kind === 'unsynced') return UnsyncedStore.open(directory)
  const store = await LevelStore.open(directory)
  return kind === 'going-on' ? new StaleHandleStore(store) : store
}

async function openLog(who: Who, { data, store }: WriterOptions): Promise<Log> {
  for (let left = OPENINGS_MAX; ; left--) {
    try {
      return await logOver(await openStore(path.join(data, who), store), keysOf(who), { clock: hastyClock })
    } catch (error) {
      if (!(error instanceof ChatError) || left === 0) throw error
      print('unopened', error.code)
    }
  }
}

function tell(who: string, log: Log): void {
  log.on('entries', ({ author, to }) => print('persisted', who, author, to - 1))
  log.on('event', ({ kind }) => {
    if (kind === 'disk-failed') print('read-only', who)
    else if (kind === 'disk-recovered') print('writable', who)
    else if (EVENT_KINDS[kind] === 'problem') print('problem', who, kind)
  })
  log.on('fork', author => print('problem', who, `${author} forked`))
}

async function speak(who: string, log: Log, run: string, speaker: number): Promise<never> {
  for (let line = 1; ; line++) {
    const token = `${run}-${who}-${speaker}-${line}`
    try {
      const { seq } = await log.append({ username: who, message: textOf(token) })
      print('appended', who, seq, token)
    } catch (error) {
      if (!(error instanceof ChatError) || !/^LOG_(WRITE_FAILED|READ_ONLY)$/.test(error.code)) throw error
      print('refused', who, error.code)
      if (error.code === 'LOG_WRITE_FAILED' && !log.isReadOnly) print('problem', who, 'writes on after a failed write')
      await log.writable()
    }
  }
}

/** Delivers carol's entries a few at a time, from a peer that has all of them. */
async function carry(log: Log): Promise<never> {
  for (;;) {
    const seq = (log.head.find(({ author }) => author === CAROL)?.seq ?? 0) + 1
    const entries = [seq, seq + 1, seq + 2].map(place =>
      Buffer.from(JSON.stringify({ username: 'carol', message: textOf(`carol-${place}`) })),
    )
    const refusal = await log.add({ author: CAROL, first: seq, entries })
    if (refusal !== undefined) print('problem', 'alice', refusal.reason.kind)
  }
}

async function main(options: WriterOptions): Promise<void> {
  const { run } = options
  const alice = await openLog('alice', options)
  const bob = await openLog('bob', options)
  tell('alice', alice)
  tell('bob', bob)
  print('open')
  const [a, b] = [alice, bob].map(log => replicate(log, { live: true, dialect: 'native' }))
  if (a === undefined || b === undefined) return
  pipeline(a, b, a, error => print('problem', 'both', `the connection ended: ${error?.message}`))
  const speakers = Array.from({ length: SPEAKERS }, (_, speaker) => speaker)
  await Promise.all([
    carry(alice),
    ...speakers.map(speaker => speak('alice', alice, run, speaker)),
    ...speakers.map(speaker => speak('bob', bob, run, speaker)),
  ])
}

// The parent process is gone: exit.
process.stdin.resume().on('end', () => process.exit(0))
main(JSON.parse(process.argv[2] ?? '{}') as WriterOptions).catch(error => {
  print('problem', 'all', String((error as Error).stack).replaceAll('\n', ' | '))
  process.exit(1)
})
