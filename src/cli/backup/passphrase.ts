import { emitKeypressEvents, type Key } from 'node:readline'
import { ChatError } from '../../base/errors.js'
import { write } from '../../ui/lines/output.js'

const VARIABLE = 'PERSISTED_CHAT_PASSPHRASE'
const CHARACTERS_MIN = 8

/** A passphrase for a new file, typed twice. Rejects with BAD_USAGE. */
export async function newPassphrase(): Promise<string> {
  const passphrase = await passphraseFor('a passphrase for the backup, at least 8 characters: ')
  if ([...passphrase].length < CHARACTERS_MIN)
    throw new ChatError('BAD_USAGE', `the passphrase has fewer than ${CHARACTERS_MIN} characters`, {
      hint: 'Choose a longer one: whoever finds the file can try as many as they like.',
    })
  if (process.env[VARIABLE] === undefined && (await typed('the same again: ')) !== passphrase)
    throw new ChatError('BAD_USAGE', 'the two passphrases differ', { hint: 'Try again.' })
  return passphrase
}

/** The passphrase from the environment or, if there is none, from the terminal. Rejects with BAD_USAGE. */
export async function passphraseFor(question: string): Promise<string> {
  const given = process.env[VARIABLE]
  if (given !== undefined) return given
  if (!process.stdin.isTTY)
    throw new ChatError('BAD_USAGE', 'there is no passphrase', {
      hint: `Set $${VARIABLE}, or run the command in a terminal.`,
    })
  return typed(question)
}

/** Reads a line that is not shown. */
async function typed(question: string): Promise<string> {
  const { stdin, stderr } = process
  await write(stderr, question)
  emitKeypressEvents(stdin)
  stdin.setRawMode(true)
  stdin.resume()
  let text = ''
  try {
    return await new Promise((resolve, reject) => {
      stdin.on('keypress', (characters: string | undefined, { name, ctrl }: Key) => {
        if (name === 'return' || name === 'enter') resolve(text)
        else if (ctrl && (name === 'c' || name === 'd'))
          reject(new ChatError('BAD_USAGE', 'no passphrase was typed', { hint: 'Nothing was written.' }))
        else if (name === 'backspace') text = [...text].slice(0, -1).join('')
        else if (!ctrl) text += characters ?? ''
      })
    })
  } finally {
    stdin.removeAllListeners('keypress')
    stdin.setRawMode(false)
    stdin.pause()
    await write(stderr, '\n')
  }
}
