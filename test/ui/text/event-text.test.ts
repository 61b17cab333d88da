import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FACE_EVENTS, type FaceEvent, isProblem } from '../../../src/host/protocol/events.js'
import { type AuthorId, logOf } from '../../../src/log/format/author.js'
import { eventText } from '../../../src/ui/text/event-text.js'
import { anyEvent } from '../../helper/any-event.js'
import { forbiddenIn } from '../../helper/forbidden.js'

const KEY = 'ab'.repeat(32) as AuthorId
const LOG = logOf(KEY)
const BOB = { host: 'bob.local', port: 4_002 }
const DENIED = { reason: 'denied', detail: 'EACCES: permission denied' } as const

/** Every kind with its sentence. */
const WITHDRAWN = { kind: 'lines-withdrawn', member: 'bob', author: 'b0', run: 0, seq: 4, first: 'see you' } as const

const SENTENCES: readonly (readonly [FaceEvent, string])[] = [
  [
    {
      kind: 'announced',
      name: 'alice (2)',
      chosenName: 'alice',
      interfaces: [
        { name: 'eth0', address: '10.0.0.5' },
        { name: 'lo', address: '127.0.0.1' },
      ],
      more: 3,
    },
    'announced as alice (2) on eth0 (10.0.0.5), lo (127.0.0.1) and 3 more: another alice is on this network',
  ],
  [
    { kind: 'announced', name: 'alice', chosenName: 'alice', interfaces: [{ name: 'lo', address: '::1' }], more: 0 },
    'announced as alice on lo (::1)',
  ],
  [
    { kind: 'clock-differs', peer: 'bob', aheadMs: 7_200_000 },
    'the clock of bob is 2 hours ahead of yours: its lines sort last',
  ],
  [
    { kind: 'clock-differs', peer: 'bob', aheadMs: -7_200_000 },
    'your clock is 2 hours ahead of the clock of bob: your lines sort last',
  ],
  [{ kind: 'clock-unset', nowMs: 0 }, "the system clock (1970-01-01) is wrong; using the peers' timestamps"],
  [{ kind: 'connection-lost', peer: 'bob', reason: 'silent' }, 'lost the connection to bob: silent for 30 s'],
  [{ kind: 'connection-lost', peer: 'bob', reason: 'cut' }, 'lost the connection to bob: the connection was cut'],
  [{ kind: 'connection-lost', peer: 'bob', reason: 'closed' }, 'lost the connection to bob: the connection closed'],
  [
    { kind: 'connection-lost', peer: 'bob', reason: 'connection-limit' },
    'lost the connection to bob: at the limit of 128 connections',
  ],
  [{ kind: 'connection-opened', peer: 'bob', protocol: 'native' }, 'connected to bob'],
  [
    { kind: 'connection-opened', peer: 'bob', protocol: 'scuttleup' },
    'connected to bob (not encrypted: scuttleup peer)',
  ],
  [
    {
      kind: 'connections-changed',
      connected: ['bob', 'carol'],
      plain: [],
      dialing: [
        { name: 'dave', address: BOB, tries: 2, reason: 'refused' },
        { name: 'erin', address: BOB, tries: 1, reason: 'no-answer' },
      ],
      indirect: 7,
    },
    'now connected to bob, carol; 7 more through them; trying dave (nothing is listening there, 2 times), erin (no answer)',
  ],
  [
    {
      kind: 'connections-changed',
      connected: Array.from({ length: 40 }, (_, i) => `peer${i}`),
      plain: [],
      dialing: [],
      indirect: 0,
    },
    'now connected to peer0, peer1, peer2, peer3, peer4, peer5 and 34 more',
  ],
  [{ kind: 'database-damaged', detail: 'the logs in data are damaged' }, 'the logs in data are damaged'],
  [
    {
      kind: 'database-repaired',
      kept: 'data/alice/lobby.damaged-1',
      faults: [
        { file: 'CURRENT', kind: 'current', problem: 'missing', names: 'MANIFEST-000004' },
        { file: '000003.log', kind: 'journal', problem: 'damaged', at: 12 },
        { file: '000005.ldb', kind: 'table', problem: 'unreadable' },
      ],
    },
    'the logs were damaged (CURRENT names MANIFEST-000004, which is missing, 000003.log is damaged at byte 12, 000005.ldb cannot be read) and have been repaired; the damaged files are kept in data/alice/lobby.damaged-1, and missing entries are fetched from peers',
  ],
  [
    { kind: 'dial-failed', name: 'bob', address: BOB, tries: 1, reason: 'refused' },
    'bob (bob.local:4002): nothing is listening there; still trying',
  ],
  [
    { kind: 'dial-failed', name: 'bob', address: BOB, tries: 7, reason: 'no-such-peer' },
    'bob (bob.local:4002): no one on this network answers to that name; still trying',
  ],
  [
    { kind: 'dial-failed', name: 'bob', address: BOB, tries: 100, reason: 'other', detail: 'bind EMFILE' },
    'bob (bob.local:4002): bind EMFILE, 100 times; still trying',
  ],
  [
    { kind: 'dial-failed', name: 'bob', address: BOB, tries: 1, reason: 'older-version' },
    'bob (bob.local:4002): the peer speaks an older version, and has to be updated; still trying',
  ],
  [
    { kind: 'older-version', address: '10.0.0.7' },
    '10.0.0.7 speaks an older version, and cannot connect until it is updated',
  ],
  [
    { kind: 'dialled-self', name: 'me', address: BOB },
    'me (bob.local:4002) is this process itself; trying again now and then',
  ],
  [
    { kind: 'directory-open-to-others', directory: 'data/alice', access: 'read' },
    'other users could read data/alice; restricted it to your account (mode 0700)',
  ],
  [
    { kind: 'directory-open-to-others', directory: 'data/alice', access: 'write', failure: DENIED },
    'other users could write to data/alice, and its mode cannot be changed: permission denied',
  ],
  [
    { kind: 'disk-failed', failure: { reason: 'full', detail: 'ENOSPC' } },
    'nothing can be stored: no space left on the disk; new lines wait until the disk works again',
  ],
  [
    { kind: 'disk-failed', failure: { reason: 'other', detail: 'EIO: i/o error' } },
    'nothing can be stored: EIO: i/o error; new lines wait until the disk works again',
  ],
  [{ kind: 'disk-recovered' }, 'the disk works again; the waiting lines are being stored'],
  [{ kind: 'entries-lost', author: LOG, from: 3, to: 4 }, `entries 3 to 4 of ${KEY} are gone from this disk`],
  [
    { kind: 'entries-missing', author: LOG, from: 3, to: 4 },
    `entries 3 to 4 of ${KEY} are missing on this disk: fetching them again from peers`,
  ],
  [
    { kind: 'entries-rejected', peer: 'bob', author: KEY, reason: { kind: 'invalid-signature', seq: 4 } },
    `bob: rejected the entries of ${KEY}: the signature at entry 4 is invalid`,
  ],
  [
    { kind: 'entry-damaged', author: LOG, seq: 3 },
    `entry 3 of ${KEY} is missing or damaged on this disk: fetching it again from peers`,
  ],
  [{ kind: 'entry-recovered', seq: 3 }, 'entry 3 was stored after all, although its write had failed'],
  [
    { kind: 'fork-proven', author: LOG, seq: 3, isOurs: true },
    'two devices wrote entry 3 of your log, or one did after a backup was restored: the lines of both are kept, and yours continue in a new run',
  ],
  [
    { kind: 'fork-proven', author: LOG, seq: 3, isOurs: false },
    'the log of the key abababab… has two histories from entry 3 on: the lines of both are kept',
  ],
  [
    { kind: 'invitation-overused', members: ['bob', 'carol'], uses: 1 },
    'an invitation for one person let in bob, carol: if one of them should not be here, remove them',
  ],
  [{ kind: 'member-admitted', member: 'bob', by: 'alice', role: 'host' }, 'alice admitted bob as host'],
  [{ kind: 'room-entered', room: 'ops' }, 'you are a member of ops now: /join ops opens it'],
  [{ kind: 'member-gone', member: 'bob' }, 'bob left the room'],
  [
    { kind: 'admission-asked', name: '', key: '3fa1c20e'.repeat(8) },
    'somebody (3fa1c20e) has a code for this closed room: /admit 3fa1c20e or /refuse 3fa1c20e',
  ],
  [
    { kind: 'admission-asked', name: 'carol', key: '3fa1c20e'.repeat(8), isClaimed: true },
    'somebody who says that they are carol (3fa1c20e) has a code for this closed room: /admit 3fa1c20e or /refuse 3fa1c20e',
  ],
  [{ kind: 'direct-message', room: '@bob', name: 'bob' }, 'bob wrote to you: /join @bob shows it'],
  [
    { kind: 'message-request', name: 'carol', key: '3fa1c20e'.repeat(8) },
    'carol (3fa1c20e) asks to talk with you: /accept carol or /decline carol',
  ],
  [
    { kind: 'message-request', name: '', key: '3fa1c20e'.repeat(8) },
    'somebody (3fa1c20e) asks to talk with you: /accept name 3fa1c20e or /decline 3fa1c20e',
  ],
  [
    { kind: 'strangers-ask', count: 1 },
    'somebody whom you do not know asks to talk with you: /requests shows what they wrote',
  ],
  [
    { kind: 'strangers-ask', count: 3 },
    '3 people whom you do not know ask to talk with you: /requests shows what they wrote',
  ],
  [
    { kind: 'membership-ended', by: 'alice' },
    'alice removed you from this room: nobody gets what you write, and you get nothing new',
  ],
  [
    { kind: 'membership-ended', by: '3fa1c20e', isRescue: true },
    'you were removed from this room with the rescue words: nobody gets what you write, and you get nothing new',
  ],
  [
    { kind: 'member-gone', member: 'alice', by: '3fa1c20e', isRescue: true },
    'alice was removed with the rescue words: what is written from now on does not reach them',
  ],
  [
    { kind: 'member-admitted', member: 'bob', by: '3fa1c20e', role: 'admin', isRescue: true },
    'bob was admitted as admin with the rescue words',
  ],
  [
    { kind: 'operations-forked', member: 'bob' },
    'bob signed two histories of changes to the members, as happens with an old copy of the data or a second device: everybody uses the same one',
  ],
  [
    { ...WITHDRAWN, count: 2, isOurs: false },
    '2 lines of bob, from "see you" on, lie beyond the end of their membership: withdrawn from the history, although this screen may still show them',
  ],
  [
    { ...WITHDRAWN, count: 1, isOurs: true },
    'one line of yours, from "see you" on, lies beyond the end of your membership: withdrawn from the history, although this screen may still show it',
  ],
  [
    { kind: 'disk-bound-exceeded', bytes: 12_400_000, bytesMax: 500_000_000 },
    'this room takes 12 MB more than the 500 MB that you keep of it: no connected person has these lines, so they stay',
  ],
  [
    { kind: 'disk-bound-exceeded', bytes: 0, bytesMax: 500_000_000 },
    'this room fits into the 500 MB that you keep of it again',
  ],
  [
    { kind: 'operations-repeated', count: 1 },
    'one change of yours to the members conflicted with changes that another device with your key, or an old copy of your data, made at the same time: signed again',
  ],
  [
    { kind: 'operations-repeated', count: 2 },
    '2 changes of yours to the members conflicted with changes that another device with your key, or an old copy of your data, made at the same time: signed again',
  ],
  [{ kind: 'key-created', name: 'alice', file: 'data/alice/key' }, 'created a new key for alice: data/alice/key'],
  [
    { kind: 'key-open-to-others', file: 'data/alice/key' },
    'other users could read the key data/alice/key and sign as you; restricted it to your account (mode 0600). If someone may have copied it, replace it with renew',
  ],
  [
    { kind: 'key-without-entries', file: 'data/alice/key' },
    'the key data/alice/key has no entries in these logs, and its file has no checksum line that would reveal damage; if you have written here before, restore the key from a backup',
  ],
  [{ kind: 'listening', address: 'alice.local:4001', room: 'lobby' }, 'listening on alice.local:4001'],
  [{ kind: 'listening', address: 'alice.local:4001', room: 'ops' }, 'listening on alice.local:4001 in the room ops'],
  [{ kind: 'log-end-restored' }, 'the last entries of your log were missing on this disk: restored from its mark'],
  [{ kind: 'logs-opened', database: 'data/alice/lobby' }, 'logs in data/alice/lobby'],
  [
    { kind: 'mark-failed', file: 'data/alice/lobby.mark', failure: { reason: 'not-a-file', detail: '' } },
    'the mark data/alice/lobby.mark cannot be written: it is not a regular file',
  ],
  [{ kind: 'mark-failed', failure: DENIED }, 'a mark of your log cannot be written: permission denied'],
  [
    { kind: 'multicast-failed', interface: 'eth0', address: '10.0.0.5', code: 'ENODEV' },
    'No multicast on eth0, 10.0.0.5 (ENODEV): until that changes, peers there are reached by address only, not by name.',
  ],
  [
    { kind: 'multicast-port-unavailable', port: 5353, code: 'EACCES' },
    'UDP port 5353 is unavailable (EACCES): until that changes, peers there are reached by address only, not by name.',
  ],
  [
    { kind: 'no-interface' },
    'No network interface: until that changes, peers there are reached by address only, not by name.',
  ],
  [{ kind: 'log-stopped', author: LOG, seq: 10, last: 4_010 }, '4,000 more lines of abababab: /show abababab'],
  [
    { kind: 'other-key', me: 'alice', name: 'bob', key: '3fa1c20e'.repeat(8), pinned: 'a0b1c2d3'.repeat(8) },
    'bob answers with another key (3fa1c20e) than the one you know (a0b1c2d3), and is treated as a stranger. If they have a new key, compare it with them, then run `persisted-chat people alice accept bob 3fa1c20e`',
  ],
  [{ kind: 'own-key-elsewhere', peer: 'bob' }, 'bob is another device with your key: both write as you'],
  [{ kind: 'peer-left', peer: 'bob' }, 'bob left'],
  [
    { kind: 'key-renewed', name: 'bob', key: '3fa1c20e'.repeat(8), before: 'a0b1c2d3'.repeat(8) },
    'bob has a new key (3fa1c20e), which their old one (a0b1c2d3) signed, and is bob from now on: if you doubt it, /compare bob',
  ],
  [
    {
      kind: 'key-renewed-twice',
      me: 'alice',
      name: 'bob',
      key: '3fa1c20e'.repeat(8),
      other: 'a0b1c2d3'.repeat(8),
    },
    'the old key of bob signed two new ones (3fa1c20e and a0b1c2d3): somebody has stolen it. Compare with bob, then run `persisted-chat people alice accept bob a0b1c2d3`, or the same with 3fa1c20e',
  ],
  [{ kind: 'strangers-came', count: 4 }, '4 more strangers came'],
  [{ kind: 'strangers-left', count: 1 }, '1 more stranger left'],
  [
    { kind: 'port-taken', port: 4_001, usedPort: 50_000 },
    'port 4001 is in use by another program: listening on port 50000 instead. Peers on this network discover it; scuttleup peers cannot connect to you.',
  ],
  [
    { kind: 'protocol-violated', peer: 'bob', violation: 'frame-too-long' },
    'bob: disconnected: it sent a frame of over 262144 bytes',
  ],
  [
    { kind: 'run-opened', run: 0x0100_abcd, reason: 'moved' },
    'your data was copied or restored from elsewhere: your lines continue in a new run, and nothing is lost',
  ],
  [{ kind: 'already-open', name: 'alice', hasOtherFaces: false }, 'alice is in the chat already'],
  [
    { kind: 'already-open', name: 'alice', hasOtherFaces: true },
    'alice is in the chat already, in another window or program',
  ],
  [
    { kind: 'node-silent', name: 'alice', pid: 4_711, sinceMs: new Date(2026, 10, 27, 14, 3).getTime() },
    'the node (pid 4711) has not answered since 14:03; if it does not recover, end it: persisted-chat stop --kill alice',
  ],
  [
    { kind: 'node-silent', name: 'alice', sinceMs: new Date(2026, 10, 27, 4, 30).getTime() },
    'the node has not answered since 04:30; if it does not recover, end it: persisted-chat stop --kill alice',
  ],
  [{ kind: 'node-answers' }, 'the node answers again'],
  [{ kind: 'connect-refused', peer: 'alice', detail: 'the peer alice is yourself' }, 'the peer alice is yourself'],
  [
    { kind: 'unknown-event', name: 'tea-ready' },
    'the node runs another version, and sent an event that this version does not know: tea-ready',
  ],
]

test('describes every kind of event, problems as warnings', () => {
  for (const [event, line] of SENTENCES) {
    const level = isProblem(event) ? 'warning' : 'info'
    assert.deepEqual(eventText(event), { level, line })
  }
  assert.deepEqual(new Set(SENTENCES.map(([{ kind }]) => kind)), new Set(Object.keys(FACE_EVENTS)))
})

test('shows paths as the user gave them, also in the messages of the system', () => {
  const context = { shownPath: (path: string) => path.replaceAll('/home/alice/data', 'data') }
  const events: readonly FaceEvent[] = [
    { kind: 'logs-opened', database: '/home/alice/data/alice/lobby' },
    { kind: 'key-created', name: 'alice', file: '/home/alice/data/alice/key' },
    { kind: 'disk-failed', failure: { reason: 'other', detail: 'EIO: /home/alice/data/alice/lobby/LOG' } },
    { kind: 'mark-failed', file: '/home/alice/data/alice/lobby.mark', failure: DENIED },
    { kind: 'database-repaired', kept: '/home/alice/data/alice/lobby.damaged-1', faults: [] },
    { kind: 'database-damaged', detail: 'the logs in /home/alice/data/alice/lobby are damaged' },
    { kind: 'directory-open-to-others', directory: '/home/alice/data/alice', access: 'read' },
  ]
  for (const event of events) {
    const { line } = eventText(event, context)
    assert.match(line, /(^| )data\/alice/)
    assert.doesNotMatch(line, /home/)
  }
})

test("shows strangers' text on one harmless line, whatever it is", () => {
  fc.assert(
    fc.property(anyEvent, event => {
      const { line } = eventText(event)
      assert.equal(forbiddenIn(line), undefined, JSON.stringify(line))
    }),
    { numRuns: 2_000 },
  )
})
