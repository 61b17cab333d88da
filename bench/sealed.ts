// What sealing costs: replication over sealed and plain connections, alternating, a handshake, a heartbeat, and records of different
// sizes. `node dist/bench/sealed.js [--entries <n>] [--runs <n>]`
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { keyPairOf } from '../src/base/crypto/signing.js'
import { systemRandom } from '../src/base/random.js'
import type { HandshakeEffect } from '../src/net/handshake/effects.js'
import { Handshake } from '../src/net/handshake/handshake.js'
import { PROTOCOL_VERSION, type Role } from '../src/net/handshake/hello.js'
import { RecordOpener, RecordSealer } from '../src/net/sealed/records.js'
import { bulk, Datasets } from './dataset.js'
import { median } from './median.js'
import { type Database, WorkerProcess } from './worker-process.js'
import { inWords, perSecond } from './workload.js'

const HANDSHAKES = 1_000
const RECORDS = 10_000

const { values } = parseArgs({
  options: { entries: { type: 'string', default: '300000' }, runs: { type: 'string', default: '6' } },
})
const [entries, runs] = [Number(values.entries), Number(values.runs)]

const { bytes, us } = handshakes()
print(`a handshake with both proofs: ${bytes} bytes, ${us.toFixed(0)} µs CPU of both sides together`)
print(`a heartbeat: ${sealerOf(1).seal(Buffer.alloc(1)).length - 24} bytes`)
for (const length of [120, 16 * 1024, 64 * 1024 - 64]) print(`a record of ${length} bytes: ${recordText(length)}`)

const root = mkdtempSync(path.join(os.tmpdir(), 'persisted-chat-bench-'))
process.on('exit', () => rmSync(root, { recursive: true, force: true }))
const datasets = new Datasets(root)
const rates: Record<'sealed' | 'plain', number[]> = { sealed: [], plain: [] }
const costs: Record<'sealed' | 'plain', number[]> = { sealed: [], plain: [] }
for (let run = 0; run < runs; run++) {
  for (const how of run % 2 === 0 ? (['sealed', 'plain'] as const) : (['plain', 'sealed'] as const)) {
    const { rate, cpuMs } = await fetched(how === 'sealed')
    rates[how].push(rate)
    costs[how].push(cpuMs)
    print(
      `run ${run + 1}, ${how}: ${inWords(Math.round(rate))} entries/s, ${cpuMs.toFixed(0)} ms CPU of both processes`,
    )
  }
}
const [sealed, plain] = [median(rates.sealed), median(rates.plain)]
print(
  `sealed / plain, medians: ${inWords(Math.round(sealed))} / ${inWords(Math.round(plain))} = ${(sealed / plain).toFixed(3)}`,
)
print(`plain / sealed, CPU: ${(median(costs.plain) / median(costs.sealed)).toFixed(3)}`)
process.exit() // the workers' pipes

/** CPU time of this process so far, in µs: a busy machine does not change it. */
function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Fetches a whole log into an empty database. */
async function fetched(isSealed: boolean): Promise<{ rate: number; cpuMs: number }> {
  const to: Database = datasets.empty()
  const workers = [new WorkerProcess('ours', await datasets.of('ours', bulk(entries))), new WorkerProcess('ours', to)]
  const [sender, receiver] = workers
  if (sender === undefined || receiver === undefined) throw new Error('no workers')
  try {
    const port = await sender.ask<number>('serve', { isSealed })
    await receiver.ask('open')
    const before = (await sender.ask<number>('cpu')) + (await receiver.ask<number>('cpu'))
    const request = { port, counted: 'entries stored', target: entries, isSealed }
    const startedAt = await receiver.ask<number>('connect', request)
    const endedAt = await receiver.ask<number>('arrived')
    const cpuMs = (await sender.ask<number>('cpu')) + (await receiver.ask<number>('cpu')) - before
    return { rate: perSecond(entries, endedAt - startedAt), cpuMs }
  } finally {
    await Promise.all(workers.map(worker => worker.end()))
    datasets.drop(to)
  }
}

/** Bytes of a handshake after the addresses and protocol detection, and its time. */
function handshakes(): { bytes: number; us: number } {
  const keys = { dialler: keyPairOf(Buffer.alloc(32, 1)), listener: keyPairOf(Buffer.alloc(32, 2)) }
  let bytes = 0
  const startedAt = cpuUs()
  for (let count = 0; count < HANDSHAKES; count++) {
    const endOf = (role: Role): Handshake => {
      const hello = {
        version: PROTOCOL_VERSION,
        instance: Buffer.alloc(16),
        key: keys[role].publicKey,
        ageMs: 1_000,
        nowMs: Date.now(),
      }
      return new Handshake({ role, me: 'a:1', hello, keys: keys[role], random: systemRandom })
    }
    const ends = { dialler: endOf('dialler'), listener: endOf('listener') }
    bytes = 0
    const perform = (by: Role, effects: readonly HandshakeEffect[]): void => {
      const other = by === 'dialler' ? 'listener' : 'dialler'
      for (const effect of effects)
        if (effect.kind === 'send') {
          bytes += effect.bytes.length
          perform(other, ends[other].receive(effect.bytes))
        }
    }
    perform('dialler', ends.dialler.start())
  }
  return { bytes: bytes - 2 * 4 - 2, us: (cpuUs() - startedAt) / HANDSHAKES }
}

function sealerOf(key: number): RecordSealer {
  return new RecordSealer(Buffer.alloc(32, key), Buffer.alloc(24))
}

function recordText(length: number): string {
  const [sealer, opener] = [sealerOf(1), new RecordOpener(Buffer.alloc(32, 1))]
  const text = Buffer.alloc(length)
  const startedAt = cpuUs()
  const records = Array.from({ length: RECORDS }, () => sealer.seal(text))
  const sealedAt = cpuUs()
  for (const record of records) {
    opener.push(record)
    opener.next()
  }
  const of = (us: number): string => (us / RECORDS).toFixed(1)
  return `${of(sealedAt - startedAt)} µs to seal, ${of(cpuUs() - sealedAt)} µs to open`
}
