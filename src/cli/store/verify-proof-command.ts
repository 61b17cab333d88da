import { readFile, realpath } from 'node:fs/promises'
import { beginningOf, withRegularFile } from '../../base/files/regular-file.js'
import { isName } from '../../base/names.js'
import { sanitisedJson } from '../../base/safe-text.js'
import { hexOf } from '../../base/wire/bytes.js'
import { DisplayNames } from '../../chat/display-names.js'
import { jsonLineOf } from '../../chat/json.js'
import { type Message, messageOf } from '../../chat/kinds/message.js'
import { authorOfKey, logOfKey } from '../../log/format/author.js'
import { contentOf, packedHlc } from '../../log/format/entry.js'
import {
  beginsExcerpt,
  EXCERPT_BYTES_MAX,
  EXCERPT_START_BYTES,
  type Excerpt,
  isExcerptFault,
  readExcerpt,
} from '../../log/format/excerpt.js'
import { EARLIEST } from '../../log/format/hybrid-clock.js'
import { labelled } from '../../ui/labels.js'
import { info, warn, writeLinesIfOpen } from '../../ui/lines/output.js'
import { excerptFaultText } from '../../ui/text/excerpt-text.js'
import { DONE, FAILED } from '../exit-code.js'

/**
 * Whether an argument of `verify` is a file: one that begins like a proof, or any other file whose path is not a user
 * name.
 */
export async function isProofFile(file: string): Promise<boolean> {
  try {
    const start = await withRegularFile(await realpath(file), handle => beginningOf(handle, EXCERPT_START_BYTES))
    return beginsExcerpt(start) || !isName(file)
  } catch {
    return false // a directory, such as the one of a name
  }
}

/** `persisted-chat verify <file>`: checks a proof, and prints what it proves. Needs no room, no key and no network. */
export async function verifyProof(file: string, isJson: boolean): Promise<number> {
  const excerpt = await withRegularFile(await realpath(file), async handle => {
    if (!beginsExcerpt(await beginningOf(handle, EXCERPT_START_BYTES))) return { kind: 'not-an-excerpt' } as const
    if ((await handle.stat()).size > EXCERPT_BYTES_MAX) return { kind: 'malformed' } as const
    return readExcerpt(await readFile(handle))
  })
  if (isExcerptFault(excerpt)) {
    if (isJson) await writeLinesIfOpen(process.stdout, [sanitisedJson({ ok: false, fault: excerpt.kind, ...excerpt })])
    else warn(`refused: ${excerptFaultText(excerpt)}`)
    return FAILED
  }
  const { room, key, run, first, entries } = excerpt
  const last = first + entries.length - 1
  const author = authorOfKey(key)
  const messages = messagesIn(excerpt)
  if (isJson) {
    const summary = { ok: true, author, ...(run !== 0 && { run }), from: first, to: last, room: hexOf(room) }
    await writeLinesIfOpen(process.stdout, [sanitisedJson(summary), ...messages.map(message => jsonLineOf(message))])
    return DONE
  }
  info(`the key ${author} signed entries ${first} to ${last}, in this order; none of them is left out`)
  info('the names are what the author called themselves')
  const format = labelled(new DisplayNames('', author), false, { time: 'date and time', isWrapped: false })
  await writeLinesIfOpen(process.stdout, messages.map(format))
  return DONE
}

/** The messages of an excerpt, and its places without text. */
function messagesIn({ key, run, first, entries }: Excerpt): Message[] {
  const author = logOfKey(key, run)
  return entries.flatMap((packed, index) => {
    const seq = first + index
    const at = packedHlc(packed) ?? EARLIEST
    const content = contentOf(packed)
    const message =
      content === undefined
        ? messageOf({ author, seq, at, entry: new Uint8Array(0), gap: { count: 1, state: 'missing' } })
        : messageOf({ author, seq, at, ...content })
    return message ?? []
  })
}
