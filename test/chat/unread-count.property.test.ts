import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/chat/kinds/message.js'
import { UnreadCount } from '../../src/chat/views/unread-count.js'
import { type AuthorId, logOf } from '../../src/log/format/author.js'

const AUTHORS = ['us', 'bob', 'carol', 'mallory'].map(name => name as AuthorId)
const [US = '' as AuthorId, , , HIDDEN] = AUTHORS

interface Written {
  readonly author: AuthorId
  readonly kind: Message['kind'] | 'no message'
  readonly isMention: boolean
}

type Step = { readonly written: Written } | { readonly read: AuthorId; readonly share: number }

const author = fc.constantFrom(...AUTHORS)
const kind = fc.constantFrom<Written['kind']>('text', 'text', 'action', 'nick', 'topic', 'no message')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ written: fc.record({ author, kind, isMention: fc.boolean() }) }) },
  { weight: 1, arbitrary: fc.record({ read: author, share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
)

const messageOf = ({ author, kind, isMention }: Written, seq: number): Message =>
  ({ author, run: 0, seq, kind, message: isMention ? 'us' : '', topic: '' }) as unknown as Message

const options = {
  ourId: US,
  isHidden: (author: AuthorId) => author === HIDDEN,
  isMention: ({ message }: Message) => message === 'us',
}

/** Recounts from the logs and the marks alone. */
function recounted(logs: ReadonlyMap<AuthorId, readonly Written[]>, marks: ReadonlyMap<AuthorId, number>): number[] {
  let [unread, mentions] = [0, 0]
  for (const [author, log] of logs)
    for (const { kind, isMention } of author === US || author === HIDDEN ? [] : log.slice(marks.get(author) ?? 0))
      if (kind === 'text' || kind === 'action') {
        unread++
        if (isMention) mentions++
      }
  return [unread, mentions]
}

test('the unread count equals a recount of logs and marks, in any order of writing and reading', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const logs = new Map<AuthorId, Written[]>(AUTHORS.map(author => [author, []]))
      const marks = new Map<AuthorId, number>()
      const count = new UnreadCount(options, [])
      for (const step of steps) {
        if ('written' in step) {
          const log = logs.get(step.written.author) ?? []
          log.push(step.written)
          if (step.written.kind !== 'no message') count.note(messageOf(step.written, log.length))
        } else {
          const length = logs.get(step.read)?.length ?? 0
          const seq = Math.max(marks.get(step.read) ?? 0, Math.round(length * step.share))
          marks.set(step.read, seq)
          count.markRead({ author: logOf(step.read), seq })
        }
        assert.deepEqual([count.unread, count.mentions], recounted(logs, marks))
      }
      // A restart that notes everything beyond the marks again.
      const again = new UnreadCount(
        options,
        [...marks].map(([author, seq]) => ({ author: logOf(author), seq })),
      )
      for (const [author, log] of logs)
        log.forEach((written, index) => {
          if (index >= (marks.get(author) ?? 0) && written.kind !== 'no message')
            again.note(messageOf(written, index + 1))
        })
      assert.deepEqual([again.unread, again.mentions], recounted(logs, marks))
    }),
    { numRuns: 2_000 },
  )
})
