import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { isSigned } from '../../log/format/author.js'
import { fileFaultWords } from '../../log/store/leveldb/fault-words.js'
import type { Verified } from '../../log/verification.js'
import { info, writeLinesIfOpen } from '../../ui/lines/output.js'
import { GAP_STATES, gapText } from '../../ui/text/gap-text.js'
import { storedFaultText } from '../../ui/text/log-fault-text.js'
import { type Where, withCopy } from './stored-logs.js'

/** A fault in a log, from `seq` on, or in a file of the database. */
interface Problem {
  readonly author: string
  readonly seq: number
  readonly what: string
  readonly file?: string
}

/**
 * `persisted-chat verify <me>`: checks every file, sequence, chain and signature, and that no log is shorter than its
 * recorded end. Changes nothing. The exit code is 1 if anything is wrong.
 */
export async function verifyLog(where: Where, isJson: boolean): Promise<number> {
  return withCopy(where, async ({ log, faults, found, hasKey }, { home }) => {
    const problems: Problem[] = faults.map(fault => ({
      author: '',
      seq: 0,
      what: fileFaultWords(fault),
      file: fault.file,
    }))
    // Without the key or the mark, it is unknown whether our own log has lost its end.
    const isOwnHere = log.head.some(({ author }) => log.isOurs(author))
    if (!hasKey) problems.push({ author: '', seq: 0, what: 'is missing', file: home.keyFile })
    else if (found.mark === undefined && isOwnHere)
      problems.push({ author: log.id, seq: 0, what: 'the mark of where this log ends is missing or damaged' })
    const lines = problems.map(({ author, file, what }) => `${file ?? author}  ${what}`)
    const forks: { author: string; seq: number }[] = []
    let authors = 0
    let entries = 0
    const without = { deleted: 0, 'kept-out': 0, expired: 0, 'not-given': 0, missing: 0 }
    for await (const verified of log.verifyAll(found)) {
      const { author, last, fault, forkedAt } = verified
      authors++
      entries += last
      for (const state of GAP_STATES) without[state] += verified.without?.[state] ?? 0
      if (fault !== undefined) problems.push({ author, seq: last + 1, what: storedFaultText(fault) })
      if (forkedAt !== undefined) forks.push({ author, seq: forkedAt })
      lines.push(lineOf(verified))
    }
    const hasGaps = GAP_STATES.some(state => without[state] > 0)
    const json = { authors, entries, ...(hasGaps && { without }), ok: problems.length === 0, problems, forks }
    await writeLinesIfOpen(process.stdout, isJson ? [sanitisedJson(json)] : lines.map(sanitise))
    if (faults.length > 0 && !isJson)
      info('the next start of the chat repairs the database, and keeps the damaged files')
    return problems.length === 0 ? 0 : 1
  })
}

function lineOf({ author, last, fault, without, forkedAt }: Verified): string {
  const kind = isSigned(author) ? 'signed' : 'unsigned'
  const fork = forkedAt === undefined ? '' : `, but its author signed two histories from entry ${forkedAt} on`
  const gaps = GAP_STATES.flatMap(state => {
    const count = without?.[state] ?? 0
    return count === 0 ? [] : `, ${count} ${gapText(state)}`
  }).join('')
  return `${author}  ${last} ${kind} entries${gaps}  ${fault === undefined ? 'ok' : storedFaultText(fault)}${fork}`
}
