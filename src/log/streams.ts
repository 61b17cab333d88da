import { Duplex, Readable } from 'node:stream'
import { PENDING_BYTES_MAX } from '../base/limits.js'
import type { Allowance } from './allowance.js'
import type { AuthorId } from './author.js'
import type { Entry } from './entry.js'
import type { Digest } from './head.js'
import type { ReadOptions, Refusal, ReplicationOptions } from './options.js'
import { type Effect, type Run, Session } from './session.js'

/** What the streams need of a log. */
interface Source {
  readonly id: AuthorId
  readonly head: Digest[]
  read(options: ReadOptions): AsyncGenerator<readonly Entry[]>
  add(run: Run, newAuthors?: Allowance): Promise<Refusal | undefined>
  newAuthorAllowance(perHourMax: number): Allowance
}

/** A stream of entries over `log.read`. */
export function entryStream(log: Pick<Source, 'read'>, options: ReadOptions): Readable {
  const abort = new AbortController()
  const batches = log.read({ ...options, signal: abort.signal })
  let batch: readonly Entry[] = []
  let index = 0
  const fill = async (stream: Readable): Promise<void> => {
    for (;;) {
      while (index < batch.length) if (!stream.push(batch[index++])) return
      const next = await batches.next()
      if (next.done) {
        stream.push(null)
        return
      }
      batch = next.value
      index = 0
    }
  }
  return new Readable({
    objectMode: true,
    highWaterMark: 64,
    read() {
      fill(this).catch(error => this.destroy(error))
    },
    destroy: (error, done) => {
      abort.abort()
      done(error)
    },
  })
}

/** The thin layer between a session and a socket: it performs the session's effects, with back-pressure both ways. */
export function replicationStream(log: Source, options: ReplicationOptions): Duplex {
  const mode = options.mode ?? 'sync'
  const session = new Session({ id: log.id, head: log.head, mode })
  const allowance =
    options.newAuthorsPerHourMax === undefined ? undefined : log.newAuthorAllowance(options.newAuthorsPerHourMax)
  const abort = new AbortController()
  let onDrain: (() => void) | undefined
  let pendingBytes = 0
  /** A write, or the end of them, that waits until no more than so many bytes are pending. */
  let held: { readonly bytesMax: number; readonly done: () => void } | undefined

  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => {
      onDrain?.()
    },
    write: (chunk: Buffer, _encoding, done) => {
      for (const effect of session.receive(chunk)) perform(effect)
      hold(PENDING_BYTES_MAX, done)
    },
    final: done => {
      // The other side will send nothing more; what it sent is taken in before the end is told.
      hold(0, done)
    },
    destroy: (error, done) => {
      abort.abort()
      onDrain?.()
      done(error)
    },
  })

  const perform = (effect: Effect): void => {
    switch (effect.kind) {
      case 'send':
        stream.push(effect.bytes)
        return
      case 'offer':
        take(effect.run)
        return
      case 'serve':
        void serve(effect.since)
        return
      case 'end':
        stream.push(null)
        return
      case 'warn':
        options.onWarning?.(effect.reason)
        return
      case 'close':
        options.onWarning?.(`it is let go, for it sent ${effect.reason}`)
        stream.destroy(new Error(effect.reason))
    }
  }

  const take = (run: Run): void => {
    const bytes = run.entries.reduce((sum, entry) => sum + entry.length + 64, 0)
    pendingBytes += bytes
    log.add(run, allowance).then(
      refusal => {
        if (refusal !== undefined) for (const effect of session.refused(run.author, refusal.reason)) perform(effect)
        pendingBytes -= bytes
        release()
      },
      error => stream.destroy(error),
    )
  }

  const hold = (bytesMax: number, done: () => void): void => {
    held = { bytesMax, done }
    release()
  }

  const release = (): void => {
    if (held === undefined || pendingBytes > held.bytesMax) return
    const { done } = held
    held = undefined
    done()
  }

  const serve = async (since: readonly Digest[]): Promise<void> => {
    try {
      for await (const entries of log.read({ since, live: options.live !== false, signal: abort.signal })) {
        const bytes = session.encode(entries)
        if (stream.destroyed) return
        if (bytes !== undefined && !stream.push(bytes)) await drained()
        if (stream.destroyed) return
      }
      stream.push(null)
    } catch (error) {
      stream.destroy(error as Error)
    }
  }

  const drained = (): Promise<void> =>
    new Promise(resolve => {
      onDrain = () => {
        onDrain = undefined
        resolve()
      }
    })

  stream.push(session.start())
  return stream
}
