import { ScuttleupSession } from '../compat/scuttleup/scuttleup-session.js'
import type { AuthorId, Seq } from '../log/format/author.js'
import type { Entry } from '../log/format/entry.js'
import type { Digest } from '../log/format/heads.js'
import type { ReadOptions, RelayOptions, ReplicationOptions } from '../log/options.js'
import type { Relayed } from '../log/read/outgoing.js'
import type { Subscription } from '../log/read/subscription.js'
import type { ConnectionControl, TreeConnection } from './broadcast-tree.js'
import type { Note, NoteKind } from './codec.js'
import { PeerSession } from './peer-session.js'

/** What a talk needs of a log. */
export interface ReplicaSource {
  readonly id: AuthorId
  readonly told: Digest[]
  read(options: ReadOptions): AsyncGenerator<readonly Entry[]>
  relay(since: readonly Digest[]): AsyncGenerator<Relayed>
  follow(options: RelayOptions): AsyncGenerator<Relayed>
  openFeed(): Subscription
  openBranch(peer: AuthorId | undefined, voice: ConnectionControl | undefined): TreeConnection
  toldOf(author: AuthorId): Digest
  reach(author: AuthorId): Seq
  isDisputed(place: Digest): boolean
  offer(): Promise<void>
}

/** What the two kinds of replication differ in. */
export interface Replicator {
  readonly session: ScuttleupSession | PeerSession
  /** What the link is among others. */
  readonly branch: TreeConnection
  /** The bytes of what the other side lacks, and then, where live, of what is new. */
  bytesSince(since: readonly Digest[], signal: AbortSignal): AsyncGenerator<Uint8Array | undefined>
  /** The other side wants what follows this. */
  asked(since: Digest): void
  close(): void
}

export function replicateScuttleup(log: ReplicaSource, { live, mode }: ReplicationOptions): Replicator {
  const session = new ScuttleupSession({ id: log.id, head: log.told, mode: mode ?? 'sync' })
  const branch = log.openBranch(undefined, undefined)
  return {
    session,
    branch,
    bytesSince: async function* (since, signal) {
      await log.offer().catch(() => {}) // the disk does not answer: what is there already can still be sent
      for await (const entries of log.read({ since, live: live !== false, signal }))
        yield session.encode(entries.filter(entry => !log.isDisputed(entry)))
    },
    asked: () => {},
    close: () => branch.close(),
  }
}

/** `push` sends bytes over the link at once. */
export function replicateNative(
  log: ReplicaSource,
  { live, peer }: ReplicationOptions,
  push: (bytes: Uint8Array) => void,
): Replicator {
  const session = new PeerSession(log.id, log.told)
  const { seq: toldAtFirst } = log.toldOf(log.id)
  const feed = live === false ? undefined : log.openFeed()
  const follow = ({ author, seq }: Digest): void => {
    const { seq: last } = log.toldOf(author)
    if (last > seq) feed?.owe({ author, from: seq + 1, to: last + 1 })
  }
  const outbox = new Map<AuthorId, NoteKind>()
  const post = (author: AuthorId, kind: NoteKind): void => {
    outbox.set(author, kind)
    if (outbox.size > 1) return
    // What is to be said in the same turn goes out as one frame.
    queueMicrotask(() => {
      push(session.notes([...outbox].map(([about, said]) => noteOf(about, said))))
      outbox.clear()
    })
  }
  const noteOf = (author: AuthorId, kind: NoteKind): Note =>
    kind === 'ask' ? { kind, author, seq: log.reach(author) } : { kind, ...log.toldOf(author) }
  const branch = log.openBranch(peer, { ask: author => post(author, 'ask'), stop: author => post(author, 'stop') })
  return {
    session,
    branch,
    bytesSince: async function* (since) {
      if (feed === undefined) {
        await log.offer().catch(() => {})
        for await (const relayed of log.relay(since)) if (relayed.kind !== 'note') yield session.encode(relayed)
        return
      }
      // What of the own log nobody was told of before is told as soon as it may be; all else need not wait for that.
      log.offer().catch(() => {})
      follow({ author: log.id, seq: toldAtFirst })
      for await (const relayed of log.follow({
        feed,
        way: span => session.way(span),
        knowsFork: (author, place) => session.knowsFork(author, place),
      }))
        yield relayed.kind === 'note' ? session.notes([noteOf(relayed.author, 'tell')]) : session.encode(relayed)
    },
    asked: follow,
    close: () => {
      branch.close()
      feed?.close()
    },
  }
}
