import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { createFile } from '../../base/files/draft-file.js'
import { systemRandom } from '../../base/random.js'
import { record, text } from '../../base/shape.js'
import { isSameSecret, proofOf } from '../../ui/web/server/token.js'

/** Timeout for the answer of a server on this machine. */
const ANSWER_MS_MAX = 2_000
const CHALLENGE_BYTES = 24
const FILE_LENGTH_MAX = 1_024
const ADDRESS = /^http:\/\/127\.0\.0\.1:\d{1,5}\/$/

interface Stored {
  readonly address: string
  readonly token: string
}
const isStored = record<Stored>({ address: text, token: text })

/** The record of the web server of a user: a file in their home that only they can read. */
export class RunningWeb {
  readonly #file: string

  /** `directory` is the user's home. */
  constructor(directory: string) {
    this.#file = path.join(directory, 'web')
  }

  /** The address of the page, with the token, if the recorded server runs. */
  async find(): Promise<string | undefined> {
    const stored = await this.#read()
    return stored !== undefined && (await proves(stored)) ? urlOf(stored) : undefined
  }

  /** Records a server. If another one already runs, resolves with its address instead. Rejects with the error of the system. */
  async claim(url: string): Promise<string | undefined> {
    const [address = '', token = ''] = url.split('#')
    for (;;) {
      try {
        await createFile(this.#file, JSON.stringify({ address, token }), systemRandom)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        const other = await this.find()
        if (other !== undefined) return other
        await rm(this.#file, { force: true }) // left behind by a process that was killed
      }
    }
  }

  /** Deletes the record, because the server ends. */
  async release(url: string): Promise<void> {
    const stored = await this.#read()
    if (stored !== undefined && urlOf(stored) === url) await rm(this.#file, { force: true })
  }

  async #read(): Promise<Stored | undefined> {
    try {
      const content = await readFile(this.#file, 'utf8')
      const stored: unknown = JSON.parse(content.slice(0, FILE_LENGTH_MAX))
      return isStored(stored) && ADDRESS.test(stored.address) ? stored : undefined
    } catch {
      return undefined
    }
  }
}

const urlOf = ({ address, token }: Stored): string => `${address}#${token}`

/** Whether the process that listens at the address has the token: another program may use the port by now. */
async function proves({ address, token }: Stored): Promise<boolean> {
  const challenge = Buffer.from(systemRandom.bytes(CHALLENGE_BYTES)).toString('base64url')
  try {
    const answer = await fetch(`${address}alive/${challenge}`, {
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    return answer.ok && isSameSecret((await answer.text()).slice(0, FILE_LENGTH_MAX), proofOf(token, challenge))
  } catch {
    return false
  }
}
