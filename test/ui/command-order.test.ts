import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { CommandOrder, lineOf } from '../../src/ui/commands/commands.js'
import type { CommandContext } from '../../src/ui/commands/context.js'

/** A face whose searches are answered by the test, each with one line in the room `other`. */
function face() {
  const done: string[] = []
  const answers: ((label: string) => void)[] = []
  let listed: readonly string[] = []
  const closing = new AbortController()
  const commands = {
    session: {
      room: { room: 'lobby', me: 'alice' },
      nick: 'alice',
      hidden: new Set(),
      notifyLevel: 'all',
      listed: (labels: readonly string[]) => {
        listed = labels
      },
      nextListed: () => {
        const [label, ...rest] = listed
        listed = rest
        done.push(`next ${label}`)
        return undefined
      },
    },
    now: () => 0,
    tell: (text: string) => void (text.startsWith('that was') || done.push(text)),
    complain: (text: string) => void done.push(`! ${text}`),
    quote: () => {},
    runTask: (_title: string, work: (task: object) => Promise<void>) => work({ signal: closing.signal }),
    request: async function* ({ text }: { text: string }) {
      done.push(`asks for ${text}`)
      const label = await new Promise<string>(resolve => void answers.push(resolve))
      if (label === 'nothing') throw new Error('no answer')
      yield { is: 'found', room: 'other', label }
    },
  }
  const order = new CommandOrder(closing.signal)
  const failed: string[] = []
  const type = (text: string): void => {
    const line = lineOf(text)
    assert.ok(line.kind !== 'message')
    void order.run(commands as unknown as CommandContext, line).catch(error => failed.push(error.message))
  }
  return { type, done, failed, answers, closing }
}

test('a command that depends on the answer of an earlier one waits for it, and others do not', async () => {
  const { type, done, answers } = face()
  type('/search apples')
  type('/next')
  type('/search pears')
  type('/next')
  type('/notify none')
  await setImmediate()
  assert.deepEqual(done, ['asks for apples', 'nothing rings in this room'])
  answers[0]?.('b1')
  await setImmediate()
  assert.deepEqual(done.slice(2), ['no line was found for apples', 'next undefined', 'asks for pears'])
  answers[1]?.('b2')
  await setImmediate()
  assert.deepEqual(done.slice(5), ['no line was found for pears', 'next undefined'])
})

test('a command that fails holds nothing up, and nothing runs in a room that was left', async () => {
  const { type, done, failed, answers, closing } = face()
  type('/search apples')
  type('/next')
  type('/search pears')
  type('/next')
  await setImmediate()
  answers[0]?.('nothing')
  await setImmediate()
  assert.deepEqual(failed, ['no answer'])
  assert.deepEqual(done, ['asks for apples', 'next undefined', 'asks for pears'])
  closing.abort()
  answers[1]?.('b2')
  await setImmediate()
  assert.equal(done.length, 3)
})
