import { createHmac, timingSafeEqual } from 'node:crypto'
import path from 'node:path'
import { ChatError, systemCode } from '../../base/errors.js'
import { diskError } from '../../base/files/disk-faults.js'
import { createFile } from '../../base/files/draft-file.js'
import { isOpenToOthers, isOwn } from '../../base/files/ownership.js'
import { beginningOf, withRegularFile } from '../../base/files/regular-file.js'
import { systemRandom } from '../../base/random.js'

const SECRET_BYTES = 32
export const NONCE_BYTES = 32

/** The side that proves its knowledge of the secret. The proof of one side is invalid for the other. */
export type Side = 'node' | 'face'

/** A key that only this user's processes can read. A face and its node authenticate each other with it. */
export class Secret {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** HMAC-SHA256 over both nonces, in hex. */
  proof(side: Side, nodeNonce: string, faceNonce: string): string {
    const text = `persisted-chat/node/1\n${side}\n${nodeNonce}\n${faceNonce}`
    return createHmac('sha256', this.#bytes).update(text).digest('hex')
  }

  isProof(proof: unknown, side: Side, nodeNonce: string, faceNonce: string): boolean {
    const expected = Buffer.from(this.proof(side, nodeNonce, faceNonce))
    const given = Buffer.from(typeof proof === 'string' ? proof : '')
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

const fileOf = (directory: string): string => path.join(directory, 'node.secret')

/** The secret of a home; undefined if no node has run there. Rejects with DATA_UNUSABLE. */
export async function readSecret(directory: string): Promise<Secret | undefined> {
  const file = fileOf(directory)
  try {
    return await withRegularFile(file, async handle => {
      const found = await handle.stat()
      if (!isOwn(found) || isOpenToOthers(found)) throw new Error('other users have access to it')
      const bytes = await beginningOf(handle, SECRET_BYTES + 1)
      if (bytes.length !== SECRET_BYTES) throw new Error(`it does not have ${SECRET_BYTES} bytes`)
      return new Secret(bytes)
    })
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    const hint = 'Stop the node of this home and delete the file: the next start makes another.'
    throw diskError(`the file ${file} cannot be used`, cause, hint)
  }
}

/** The secret of a home, created if it is missing. Rejects with DATA_UNUSABLE. */
export async function loadSecret(directory: string): Promise<Secret> {
  const found = await readSecret(directory)
  if (found !== undefined) return found
  await createFile(fileOf(directory), systemRandom.bytes(SECRET_BYTES), systemRandom).catch(error => {
    if (systemCode(error) !== 'EEXIST') throw error // created by another process meanwhile
  })
  const created = await readSecret(directory)
  if (created === undefined) throw new ChatError('DATA_UNUSABLE', `${fileOf(directory)} disappeared; try again`)
  return created
}
