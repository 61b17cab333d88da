/** A mutation of the compiled program: `find` must occur exactly once in the file. */
export interface Bug {
  readonly name: string
  /** Path below `src`, without the extension. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** A seed that kills it, if the first few seeds do not. */
  readonly killer?: number
  /** Whether only runs with many single lines kill it. */
  readonly needsManyLines?: boolean
  /** Whether only runs with peer exchange kill it. */
  readonly needsPeerExchange?: boolean
  /** Whether only runs with several rooms kill it. */
  readonly needsRooms?: boolean
  /** Whether only runs with missing contents kill it. */
  readonly needsContents?: boolean
  /** Whether only runs with strangers kill it. */
  readonly needsStrangers?: boolean
  /** Whether only runs with attacks on the network kill it. */
  readonly needsAttacks?: boolean
}

export const BUGS: readonly Bug[] = [
  {
    name: 'stays connected to itself',
    file: 'net/topology',
    find: 'remote.instance === this.#instance && remote.key === this.#key',
    replace: 'false',
    needsAttacks: true,
  },
  {
    name: 'acknowledges entries before they are synced',
    file: 'sim/virtual/disk',
    find: 'this.#disk.sync();\n        this.#view.apply(mine);',
    replace: 'this.#time.after(5_000, () => this.#disk.sync());\n        this.#view.apply(mine);',
  },
  {
    name: 'announces entries before they are on disk',
    file: 'log/store/commit-queue',
    find: 'await this.#store.commit(this.#writesOf(jobs));',
    replace: 'this.#store.commit(this.#writesOf(jobs)).catch(() => {});',
  },
  {
    name: 'announces heads before their entries are on disk',
    file: 'log/frontier',
    find: 'for (const [author, { persisted }] of this.#tips)\n            if (persisted > 0)\n                digests.push({ author, seq: persisted });',
    replace: 'for (const [author, { pending }] of this.#tips)\n            digests.push({ author, seq: pending.seq });',
  },
  {
    name: 'keeps using the database handle after a failed write',
    file: 'log/store/commit-queue',
    find: 'await this.#store.reopen();',
    replace: '',
  },
  {
    name: 'verifies no signature',
    file: 'log/format/chain',
    find: 'isSignature(signature,',
    replace: 'true || isSignature(signature,',
    killer: 13,
  },
  {
    name: 'checks neither gaps nor the chain of a run',
    file: 'log/format/segment-plan',
    find: 'const seq = (this.#head?.seq ?? 0) + this.#unverifiedCount;',
    replace: 'const seq = run.first - 1;\n        validator.begin(run.before ?? chainStart(this.#log), EARLIEST);',
    killer: 35,
  },
  {
    name: 'stores no chain value before a segment',
    file: 'log/format/segment-plan',
    find: 'const before = this.#chain;',
    replace: 'const before = new Uint8Array(32);',
  },
  {
    name: 'checks no gap in unsigned logs',
    file: 'log/intake',
    find: 'if (skip < 0)',
    replace: 'if (false)',
    killer: 36,
  },
  {
    name: 'accepts fork proofs without verifying them',
    file: 'log/format/fork-proof',
    find: 'if (!isGenuine(log, a) || !isGenuine(log, b))',
    replace: 'if (false)',
    killer: 13,
  },
  {
    name: 'does not relay fork proofs',
    file: 'sync/peer-session',
    find: 'return encodeFork(relayed.proof);',
    replace: 'return undefined;',
    killer: 230,
  },
  {
    name: 'shows entries again that were moved to a branch',
    file: 'log/read/reached',
    find: 'branch?.isKept',
    replace: 'branch?.isKept && false',
    killer: 66,
  },
  {
    name: 'loses new entries while a live reader is busy',
    file: 'log/read/subscription',
    find: 'this.#wake?.();\n    }\n}',
    replace: 'if (this.#wake === undefined) ranges.delete(author);\n        this.#wake?.();\n    }\n}',
    killer: 6,
  },
  {
    name: 'reports entries twice that arrive while the history is read',
    file: 'log/read/reader',
    find: 'after(reached.of(range.author), range)',
    replace: 'after(0, { ...range, from: 1 })',
  },
  {
    name: 'orders entries of the same time by arrival of their authors',
    file: 'log/read/merge',
    find: 'return a.at < b.at ? -1 : 1;\n    return a.author < b.author ? -1 : 1;',
    replace: 'return a.at < b.at ? -1 : 1;\n    return -1;',
    killer: 28,
  },
  {
    name: 'gives up dialling after three attempts',
    file: 'net/topology',
    find: "target.state = { kind: 'dialling', attempt: target.state.attempt };",
    replace:
      "if (target.state.attempt > 3) return [];\n        target.state = { kind: 'dialling', attempt: target.state.attempt };",
    killer: 15,
  },
  {
    name: 'closes neither of two connections to one peer',
    file: 'net/topology',
    find: 'this.#key + this.#instance < identityOf(remote)',
    replace: 'false',
    killer: 4,
  },
  {
    name: 'never detects a dead connection',
    file: 'net/heartbeat',
    find: 'this.#silentMs >= SILENCE_MS_MAX',
    replace: 'false',
    killer: 3,
  },
  {
    name: 'measures silence by a clock that can be set back',
    file: 'net/heartbeat',
    find: 'Math.max(CHECK_MS, clock.now() - this.#checkedAt)',
    replace: 'clock.now() - this.#checkedAt',
    killer: 326,
  },
  {
    name: 'waits for a connection that is broken from the start',
    file: 'net/handshake/handshake-run',
    find: 'if (this.#connection.destroyed)\n            this.#closed();',
    replace: 'if (false)\n            this.#closed();',
    killer: 840,
  },
  {
    name: 'applies no backpressure to a slow reader',
    file: 'sync/replication-stream',
    find: '!this.push(bytes))\n                    await this.#drained();',
    replace: '!this.push(bytes))\n                    await null;',
    killer: 8,
  },
  {
    name: 'does not relay entries that arrive as several segments',
    file: 'log/frontier',
    find: 'this.#announcer.persisted({ author, from, to }, fresh);',
    replace: 'if (segments <= 1)\n            this.#announcer.persisted({ author, from, to }, fresh);',
    killer: 108,
  },
  {
    name: 'forgets a fork proof that arrives while the disk is full',
    file: 'log/log',
    find: 'return this.#recovery.whenWritable(logOfSegment(segments[0]), () => this.#intake.addProof(segments));',
    replace: 'return this.#intake.addProof(segments).catch(() => undefined);',
    killer: 527,
  },
  {
    name: 'does not announce entries that a peer got elsewhere',
    file: 'sync/peer-session',
    find: "to - 1 > (this.#announced.get(author) ?? 0) ? 'announce' : 'skip'",
    replace: "'skip'",
    killer: 151,
  },
  {
    name: 'sends entries that do not continue what the other side has',
    file: 'sync/peer-session',
    find: 'next === theirs + 1 && next < to',
    replace: 'next < to',
    killer: 21,
  },
  {
    name: 'takes subscriptions for announcements',
    file: 'sync/peer-session',
    find: "frame.notes.filter(({ kind }) => kind !== 'subscribe')",
    replace: 'frame.notes',
    killer: 122,
  },
  {
    name: 'announces entries that are still being written',
    file: 'log/log',
    find: 'const persisted = frontier.persisted(author);\n        const chain',
    replace: 'const persisted = frontier.pendingHead(author)?.seq ?? 0;\n        const chain',
  },
  {
    name: 'never subscribes to a second announcer',
    file: 'sync/broadcast-tree',
    find: 'if (!isArriving)\n            this.#subscribeNext(author, isStalled);',
    replace: '',
    killer: 5,
  },
  {
    name: 'takes all fingerprints to be equal',
    file: 'sync/fingerprints',
    find: '!== 0;',
    replace: '!== 0 && false;',
  },
  {
    name: 'drops all but the first of the joined segments',
    file: 'log/format/joined-segment',
    find: 'this.#end = end;',
    replace: '',
    needsManyLines: true,
  },
  {
    name: 'keeps the first signature when it joins segments',
    file: 'log/format/joined-segment',
    find: 'this.#joined.set(signatureIn(this.#latest.bytes), SIGNATURE_AT);',
    replace: '',
  },
  {
    name: 'evicts no one from a full active view',
    file: 'net/overlay/hyparview',
    find: 'if (this.size > ACTIVE_VIEW_MAX)',
    replace: 'if (false)',
    needsPeerExchange: true,
  },
  {
    name: 'forwards no join',
    file: 'net/overlay/hyparview',
    find: 'const hops = connections === 0 ? JOIN_HOPS_MAX : others.length < ACTIVE_VIEW_TARGET ? 1 : 0;',
    replace: 'const hops = 0;',
    needsPeerExchange: true,
  },
  {
    name: 'replaces no lost member of the active view',
    file: 'net/overlay/address-book',
    find: 'if (this.#dialling.size >= most)\n            return places;',
    replace: 'if (this.newCount === 0 || this.#dialling.size >= most)\n            return places;',
    needsPeerExchange: true,
  },
  {
    name: 'does not relay statuses',
    file: 'chat/presence/roster',
    find: 'const canRelay = ({ hops, reach }) => hops < Math.min(reach, STATUS_HOPS_MAX);',
    replace: 'const canRelay = () => false;',
    needsPeerExchange: true,
  },
  {
    name: "takes a neighbour's reports of presence as current",
    file: 'chat/presence/roster',
    find: 'const aliveAt = now - ageMs;',
    replace: 'const aliveAt = now;',
    needsPeerExchange: true,
  },
  {
    name: 'requests no statuses that a digest shows to be missing',
    file: 'chat/presence/roster',
    find: 'if (requested.length < STATUS_REQUEST_MAX &&',
    replace: 'if (false &&',
    needsPeerExchange: true,
  },
  {
    name: 'ignores goodbyes',
    file: 'chat/presence/roster',
    find: "known.hasLeft = status.state === 'left';",
    replace: 'known.hasLeft = false;',
    needsPeerExchange: true,
  },
  {
    name: 'sends the goodbye after the connections are closed',
    file: 'node/room',
    find: 'this.#presence.close();',
    replace: 'clock.after(1_000, () => this.#presence.close());',
    needsPeerExchange: true,
  },
  {
    name: 'delivers frames to another room of the connection',
    file: 'net/channels/multiplexer',
    find: 'const channel = this.#open.get(slot.value)?.channel;',
    replace: 'const channel = this.#open.get(slot.value) && [...this.#open.values()].at(-1)?.channel;',
    needsRooms: true,
  },
  {
    name: 'offers a room that is opened later to nobody who is connected',
    file: 'net/connections',
    find: 'for (const connection of this.#open.values())\n            connection.offer(room);',
    replace: '',
    needsRooms: true,
  },
  {
    name: 'counts places without content as received',
    file: 'sync/receipts',
    find: ' && !without.some(({ from, to }) => from <= seq && seq < to)',
    replace: '',
    needsContents: true,
  },
  {
    name: 'does not say where it has no content',
    file: 'sync/native-replication',
    find: 'const notes = this.#log.logsWithGaps.flatMap(log => this.#gapsNotes(log));',
    replace: 'const notes = [];\n        for (const log of this.#log.logsWithGaps) this.#gapsNotes(log);',
    needsContents: true,
  },
  {
    name: 'stores content without checking its hash',
    file: 'log/format/chain',
    find: '!isStub(packed) && sameBytes(running.stubOf(packed), stub)',
    replace: '!isStub(packed)',
    needsContents: true,
  },
  {
    name: 'asks again for content that it dropped',
    file: 'log/content/gaps',
    find: 'this.dropped[reason].add(from, to);\n        this.remove(from, to);',
    replace: 'this.missing.add(from, to);\n        this.version++;',
    needsContents: true,
  },
  {
    name: 'drops control entries',
    file: 'log/content/contents',
    find: 'seq < from || seq >= to || isControlEntry(entry)',
    replace: 'seq < from || seq >= to',
    needsContents: true,
  },
  {
    name: 'stores any number of logs of strangers',
    file: 'sync/quota/stranger-pool',
    find: 'while (this.#logs.size > this.#logsMax)',
    replace: 'while (false)',
    killer: 3,
    needsStrangers: true,
  },
  {
    name: 'lets those who came first keep the pool',
    file: 'sync/quota/stranger-quota',
    find: 'bytesMax: Math.max(bytes, ',
    replace: 'bytesMax: Math.max(bytes, this.#pool.size >= this.#logsMax && !this.#pool.has(log) ? 0 : ',
    killer: 3,
    needsStrangers: true,
  },
  {
    name: 'ignores who brought the logs of strangers',
    file: 'sync/quota/stranger-quota',
    find: 'if (introducer === undefined)\n            return IMPORTED;',
    replace: 'return IMPORTED;',
    killer: 3,
    needsStrangers: true,
  },
  {
    name: 'counts known people as strangers',
    file: 'sync/quota/stranger-quota',
    find: 'return !this.#known.isKnown(authorOfLog(log)) && !this.#lifted.has(log);',
    replace: 'return !this.#lifted.has(log);',
    killer: 3,
    needsStrangers: true,
  },
]
