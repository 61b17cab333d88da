// Runs the command lines in its first argument one after another, as processes of their own would, and prints their outcomes.
import { run } from '../../src/cli/command-line.js'
import type { CommandOutcome } from './command-lines.js'

const { stdout, stderr } = process
const print = stdout.write.bind(stdout)

/** Collects what is written to a stream instead of writing it. */
function collect(stream: typeof stdout | typeof stderr): () => string[] {
  let text = ''
  stream.write = (chunk: string | Uint8Array, encoding?: unknown, done?: unknown): boolean => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    const onWritten = typeof encoding === 'function' ? encoding : done
    if (typeof onWritten === 'function') process.nextTick(onWritten)
    return true
  }
  return () => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
}

const outcomes: CommandOutcome[] = []
for (const args of JSON.parse(process.argv[2] ?? '[]') as string[][]) {
  const [printed, reported] = [collect(stdout), collect(stderr)]
  const code = await run(args)
  outcomes.push({ code, stdout: printed(), stderr: reported() })
}
print(`${JSON.stringify(outcomes)}\n`, () => process.exit())
