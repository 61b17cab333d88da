import { homedir } from 'node:os'
import path from 'node:path'
import { sanitise } from '../../base/safe-text.js'
import type { Target } from '../../chat/kinds/target.js'
import { sizeText } from '../../chat/size-text.js'
import { TransferText } from '../text/transfer-text.js'
import { type CommandContext, command } from './context.js'

/** Larger files are fetched only if the user confirms it. */
const UNCONFIRMED_BYTES_MAX = 100_000_000

/** Confirms that a large file is fetched. */
const YES = /^yes(?:\s+|$)/

export const send = command({
  name: 'send',
  argument: 'file',
  help: 'send a file: who wants it fetches it with /get',
  run: async ({ session, runTask, complain, now }, argument) => {
    const file = typedPath(argument)
    if (file === undefined) return complain('which file? /send photo.jpg')
    const text = new TransferText(now)
    await runTask(`sending ${sanitise(path.basename(file))}`, ({ signal, onStatus }) =>
      session.sendFile(file, { signal, onProgress: progress => onStatus(text.of(progress)) }),
    )
  },
})

export const get = command({
  name: 'get',
  argument: 'line [directory]',
  help: 'fetch the file of a line, and save it here or in a directory',
  run: async (context, argument) => {
    const { session, complain } = context
    const [, name = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(argument) ?? []
    if (name === '') return complain('which file? /get b12')
    const found = await session.references.find(name)
    if (found.kind === 'none') return complain(found.why)
    const { line } = found
    if (line.kind !== 'file') return complain(`${name} sends no file`)
    const isConfirmed = YES.test(rest)
    const directory = typedPath(rest.replace(YES, '')) ?? process.cwd()
    if (line.size > UNCONFIRMED_BYTES_MAX && !isConfirmed)
      return complain(`it has ${sizeText(line.size)}: /get ${line.label ?? name} yes fetches it`)
    await fetchFile(context, line, { directory, isConfirmed })
  },
})

async function fetchFile(
  { session, runTask, tell, now }: CommandContext,
  line: Target & { readonly name: string },
  { directory, isConfirmed }: { readonly directory: string; readonly isConfirmed: boolean },
): Promise<void> {
  const text = new TransferText(now)
  await runTask(`fetching ${sanitise(line.name)}`, async ({ signal, onStatus }) => {
    onStatus('looking for peers that have it')
    const saved = await session.room
      .getFile(line, directory, {
        signal,
        isConfirmed,
        onProgress: progress =>
          onStatus(progress.holders === 0 && progress.bytes === 0 ? 'no connected peer has it yet' : text.of(progress)),
      })
      .catch(error => {
        if (!signal.aborted) throw error
      })
    if (saved !== undefined) tell(`saved ${sanitise(saved)}`)
  })
}

/** A path as people type it: quoted, escaped or as a URL, as terminals paste it; `~` is the home directory. Absolute. */
function typedPath(text: string): string | undefined {
  const typed = text.trim()
  if (typed === '') return undefined
  const [, quoted] = /^(?:'([^']*)'|"([^"]*)")$/.exec(typed)?.filter(part => part !== undefined) ?? []
  const plain = quoted ?? typed.replace(/\\(.)/g, process.platform === 'win32' ? '$&' : '$1')
  const home = plain === '~' || /^~[/\\]/.test(plain) ? path.join(homedir(), plain.slice(1)) : plain
  return path.resolve(home)
}
