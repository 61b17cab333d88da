import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { isSigned } from '../../log/format/author.js'
import type { Verified } from '../../log/log.js'
import { info, writeLinesIfOpen } from '../../ui/lines/output.js'
import { type Where, withCopy } from './stored-logs.js'

/** Something that is not as it should be: in a log, from `seq` on, or in a file of the database. */
interface Problem {
  readonly author: string
  readonly seq: number
  readonly what: string
  readonly file?: string
}

/**
 * `persisted-chat verify <me>`: every file, sequence, chain and signature, and whether each log goes as far as it is known to
 * go. Nothing is changed. Exit code 1 where anything is wrong.
 */
export async function verifyLog(where: Where, isJson: boolean): Promise<number> {
  return withCopy(where, async ({ log, faults, found, hasKey }, home) => {
    const problems: Problem[] = faults.map(({ file, what }) => ({ author: '', seq: 0, what, file }))
    // Without key or mark it is not known whether the own log goes as far as it did.
    const isOwnHere = log.head.some(({ author }) => author === log.id)
    if (!hasKey) problems.push({ author: '', seq: 0, what: 'is missing', file: home.keyFile })
    else if (found.mark === undefined && isOwnHere)
      problems.push({ author: log.id, seq: 0, what: 'the mark of where this log ends is missing or damaged' })
    const lines = problems.map(({ author, file, what }) => `${file ?? author}  ${what}`)
    const forks: { author: string; seq: number }[] = []
    let authors = 0
    let entries = 0
    for await (const verified of log.verifyAll(found)) {
      const { author, last, fault, forkedAt } = verified
      authors++
      entries += last
      if (fault !== undefined) problems.push({ author, seq: last + 1, what: fault })
      if (forkedAt !== undefined) forks.push({ author, seq: forkedAt })
      lines.push(lineOf(verified))
    }
    const json = { authors, entries, ok: problems.length === 0, problems, forks }
    await writeLinesIfOpen(process.stdout, isJson ? [sanitisedJson(json)] : lines.map(sanitise))
    if (faults.length > 0 && !isJson)
      info('the next start of the chat repairs the database, and keeps the damaged files')
    return problems.length === 0 ? 0 : 1
  })
}

function lineOf({ author, last, fault, forkedAt }: Verified): string {
  const kind = isSigned(author) ? 'signed' : 'unsigned'
  const fork = forkedAt === undefined ? '' : `, but its author signed two histories from entry ${forkedAt} on`
  return `${author}  ${last} ${kind} entries  ${fault ?? 'ok'}${fork}`
}
