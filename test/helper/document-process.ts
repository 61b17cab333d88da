// Runs the blocks of the document named on the command line. Exits with 1 at the first that fails.
import { readDocument } from './document.js'
import { DocumentRun } from './document-run.js'

const ends: (() => Promise<void>)[] = []
const cleanup = { after: (end: () => Promise<void>) => ends.unshift(end) }
const [file = ''] = process.argv.slice(2)
const run = await DocumentRun.open(file, cleanup)
try {
  await run.all(readDocument(file))
} catch (error) {
  console.log(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
for (const end of ends) await end()
