/** A small fault that is put into the compiled program: what is to be found must stand there once. */
export interface Bug {
  readonly name: string
  /** Below `src`, without its ending. */
  readonly file: string
  readonly find: string
  readonly replace: string
  /** A seed that is known to kill it, where that takes more than a few. */
  readonly killer?: number
  /** Whether it shows only where many lines are typed one by one. */
  readonly isOfTyping?: boolean
  /** Whether it shows only where peers meet others than those whom they know. */
  readonly isOfMeeting?: boolean
}

export const BUGS: readonly Bug[] = [
  {
    name: 'what is acknowledged is not synced',
    file: 'sim/virtual-disk',
    find: 'this.#disk.sync();\n        this.#view.apply(mine);',
    replace: 'this.#time.after(5_000, () => this.#disk.sync());\n        this.#view.apply(mine);',
  },
  {
    name: 'entries are announced before they are on disk',
    file: 'log/store/commit-queue',
    find: 'await this.#store.commit(this.#writesOf(jobs));',
    replace: 'this.#store.commit(this.#writesOf(jobs)).catch(() => {});',
  },
  {
    name: 'a head is told before what it stands for is on disk',
    file: 'log/frontier',
    find: 'for (const [author, { persisted }] of this.#tips)\n            if (persisted > 0)\n                digests.push({ author, seq: persisted });',
    replace: 'for (const [author, { pending }] of this.#tips)\n            digests.push({ author, seq: pending.seq });',
  },
  {
    name: 'after a failed write the same handle goes on',
    file: 'log/store/commit-queue',
    find: 'await this.#store.reopen();',
    replace: '',
  },
  {
    name: 'no signature is checked',
    file: 'log/format/chain',
    find: 'isSignature(signature,',
    replace: 'true || isSignature(signature,',
  },
  {
    name: 'neither gap nor chain is checked: a run is put behind whatever is there',
    file: 'log/format/segment-plan',
    find: 'const seq = (this.#head?.seq ?? 0) + this.#unverifiedCount;',
    replace: 'const seq = run.first - 1;\n        validator.begin(run.before ?? chainStart(this.#log), EARLIEST);',
  },
  {
    name: 'the chain value before a segment is stored as none',
    file: 'log/format/segment-plan',
    find: 'const before = head?.chain ?? chainStart(this.#log);',
    replace: 'const before = new Uint8Array(32);',
  },
  {
    name: 'no gap is checked in unsigned logs',
    file: 'log/intake',
    find: 'if (skip < 0)',
    replace: 'if (false)',
  },
  {
    name: 'a proof of a fork is believed unseen',
    file: 'log/format/fork-proof',
    find: 'if (!isGenuine(log, a) || !isGenuine(log, b))',
    replace: 'if (false)',
  },
  {
    name: 'proofs of forks are not passed on',
    file: 'sync/peer-session',
    find: 'return encodeFork(relayed.proof);',
    replace: 'return undefined;',
    killer: 230,
  },
  {
    name: 'a claim of more of the own log is waited for without end',
    file: 'log/repair/own-log-repair',
    find: 'state.cancelDeadline = this.#core.clock.after(RESTORE_MS_MAX, () => this.#giveUp());',
    replace: 'void this.#giveUp;',
    killer: 122,
  },
  {
    name: 'a live reader that is busy is not told of news',
    file: 'log/read/subscription',
    find: 'this.#wake?.();\n    }\n}',
    replace: 'if (this.#wake === undefined) ranges.delete(author);\n        this.#wake?.();\n    }\n}',
  },
  {
    name: 'what comes while the history is read is told twice',
    file: 'log/read/subscription',
    find: 'this.#fresh.clear();',
    replace:
      'this.#fresh.clear();\n        if (ranges.length > 1)\n            this.#fresh.set(ranges[0].author, ranges[0]);',
  },
  {
    name: 'lines of one moment stand in the order in which their authors came',
    file: 'log/read/merge',
    find: 'return a.at < b.at ? -1 : 1;\n    return a.author < b.author ? -1 : 1;',
    replace: 'return a.at < b.at ? -1 : 1;\n    return -1;',
  },
  {
    name: 'a peer is given up after three tries',
    file: 'net/topology',
    find: "target.state = { kind: 'dialling', attempt: target.state.attempt };",
    replace:
      "if (target.state.attempt > 3) return [];\n        target.state = { kind: 'dialling', attempt: target.state.attempt };",
  },
  {
    name: 'neither side closes the older of two links',
    file: 'net/topology',
    find: 'this.#key + this.#instance < identityOf(remote)',
    replace: 'false',
  },
  {
    name: 'a link is never found to be dead',
    file: 'net/heartbeat',
    find: 'silentMs >= SILENCE_MS_MAX',
    replace: 'false',
  },
  {
    name: 'silence is measured by a clock that can be set back',
    file: 'net/heartbeat',
    find: 'Math.max(CHECK_MS, clock.now() - this.#checkedAt)',
    replace: 'clock.now() - this.#checkedAt',
    killer: 326,
  },
  {
    name: 'a connection that is broken when it is handed over is waited for',
    file: 'net/handshake/handshake-run',
    find: 'if (this.#connection.destroyed)\n            this.#closed();',
    replace: 'if (false)\n            this.#closed();',
    killer: 442,
  },
  {
    name: 'nobody waits for a slow reader',
    file: 'sync/replication-stream',
    find: '!this.push(bytes))\n                    await this.#drained();',
    replace: '!this.push(bytes))\n                    await null;',
  },
  {
    name: 'what comes as several segments is not passed on',
    file: 'log/frontier',
    find: 'this.#announcer.persisted({ author, from, to }, fresh);',
    replace: 'if (segments <= 1)\n            this.#announcer.persisted({ author, from, to }, fresh);',
    killer: 108,
  },
  {
    name: 'who says goodbye is never found to be dead',
    file: 'net/heartbeat',
    find: 'connection.isPaused() && !connection.readableEnded',
    replace: 'connection.isPaused() || connection.readableEnded',
    killer: 2542,
  },
  {
    name: 'a proof that comes while the disk is full is forgotten',
    file: 'log/log',
    find: 'return this.#recovery.whenWritable(authorOfKey(segments[0].key), () => this.#intake.addProof(segments));',
    replace: 'return this.#intake.addProof(segments).catch(() => undefined);',
    killer: 1178,
  },
  {
    name: 'what somebody else brought to a peer is not told to it',
    file: 'sync/peer-session',
    find: "to - 1 > (this.#announced.get(author) ?? 0) ? 'tell' : 'none'",
    replace: "'none'",
  },
  {
    name: 'entries are sent though they do not follow on what the other side holds',
    file: 'sync/peer-session',
    find: 'next === theirs + 1 && next < to',
    replace: 'next < to',
  },
  {
    name: 'what is asked for is taken as what is held',
    file: 'sync/peer-session',
    find: "frame.notes.filter(({ kind }) => kind !== 'subscribe')",
    replace: 'frame.notes',
    killer: 122,
  },
  {
    name: 'a peer is told of what is still on its way to the disk',
    file: 'log/log',
    find: 'const persisted = frontier.persisted(author);\n        const proof',
    replace: 'const persisted = frontier.pendingHead(author)?.seq ?? 0;\n        const proof',
  },
  {
    name: 'whoever was asked first is waited for, for ever',
    file: 'sync/broadcast-tree',
    find: 'if (!isArriving)\n            this.#subscribeNext(author, isStalled);',
    replace: '',
  },
  {
    name: 'all sums are taken to be alike',
    file: 'sync/fingerprints',
    find: '!== 0;',
    replace: '!== 0 && false;',
  },
  {
    name: 'own lines that came back are not told to who is linked already',
    file: 'log/own/own-log',
    find: 'if (from <= seq)',
    replace: 'if (false)',
    killer: 414,
  },
  {
    name: 'joined segments lose the last of what they were made from',
    file: 'log/format/segment',
    find: '...segments.slice(1).map(',
    replace: '...segments.slice(1, -1).map(',
    isOfTyping: true,
  },
  {
    name: 'segments are joined under the signature of the first',
    file: 'log/format/segment',
    find: 'joined.set(signatureIn(end), SIGNATURE_AT);',
    replace: '',
  },
  {
    name: 'nobody is sent away where there is no room',
    file: 'net/overlay/hyparview',
    find: 'if (this.size > ACTIVE_VIEW_MAX)',
    replace: 'if (false)',
    isOfMeeting: true,
  },
  {
    name: 'nobody is told of a newcomer',
    file: 'net/overlay/hyparview',
    find: 'const hops = connections === 0 ? JOIN_HOPS_MAX : others.length < ACTIVE_VIEW_TARGET ? 1 : 0;',
    replace: 'const hops = 0;',
    killer: 4,
    isOfMeeting: true,
  },
  {
    name: 'nobody takes the place of who was lost',
    file: 'net/overlay/address-book',
    find: 'if (this.#dialling.size >= most)\n            return places;',
    replace: 'if (this.newCount === 0 || this.#dialling.size >= most)\n            return places;',
    isOfMeeting: true,
  },
  {
    name: 'statuses are not passed on',
    file: 'chat/presence/roster',
    find: 'const canGoOn = ({ hops, reach }) => hops < Math.min(reach, STATUS_HOPS_MAX);',
    replace: 'const canGoOn = () => false;',
    isOfMeeting: true,
  },
  {
    name: 'whoever a neighbour reports as alive counts as alive now',
    file: 'chat/presence/roster',
    find: 'const aliveAt = now - ageMs;',
    replace: 'const aliveAt = now;',
    isOfMeeting: true,
  },
  {
    name: 'nobody is asked for statuses that a digest shows to be missing',
    file: 'chat/presence/roster',
    find: 'if (wanted.length < STATUS_REQUEST_MAX &&',
    replace: 'if (false &&',
    isOfMeeting: true,
  },
  {
    name: 'a goodbye is not heeded',
    file: 'chat/presence/roster',
    find: "known.hasLeft = status.state === 'left';",
    replace: 'known.hasLeft = false;',
    isOfMeeting: true,
  },
  {
    name: 'a goodbye is told after the links are closed',
    file: 'node/room',
    find: 'this.#presence.close();',
    replace: 'clock.after(1_000, () => this.#presence.close());',
    isOfMeeting: true,
  },
]
