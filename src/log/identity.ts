import { link, open, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { hexOf } from '../base/bytes.js'
import { ChatError, systemCode } from '../base/errors.js'
import type { Random } from '../base/random.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from '../base/signing.js'

/**
 * The key in `file`, made there if there is none: 32 bytes of seed as hex and the public key that is made of them, so that
 * a damaged seed is no other author; readable by its owner alone. PROTOCOL.md §4.
 * Rejects with DATA_UNUSABLE where what is there is no key: it is never replaced.
 */
export async function loadKey(file: string, random: Random): Promise<KeyPair & { readonly isNew: boolean }> {
  const saved = await readSeed(file)
  if (saved !== undefined) return { ...keyPairOf(saved), isNew: false }
  const seed = random.bytes(SEED_BYTES)
  await writeSeed(file, seed)
  return { ...keyPairOf(seed), isNew: true }
}

/** Puts a new key in the place of the one in `file`, which is kept beside it under the name that is given back. */
export async function replaceKey(
  file: string,
  random: Random,
): Promise<{ readonly old: KeyPair; readonly fresh: KeyPair; readonly kept: string }> {
  const seed = await readSeed(file)
  if (seed === undefined)
    throw new ChatError('DATA_UNUSABLE', `there is no key ${file} yet`, { hint: 'It is made at the first start.' })
  const old = keyPairOf(seed)
  const kept = `${file}.${hexOf(old.publicKey).slice(0, 8)}`
  await rename(file, kept)
  const fresh = await loadKey(file, random)
  return { old, fresh, kept }
}

async function readSeed(file: string): Promise<Uint8Array | undefined> {
  let text: string
  try {
    text = await readFile(file, 'latin1')
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw new ChatError('DATA_UNUSABLE', `the key ${file} cannot be read`, {
      cause,
      hint: 'Give it back to its owner.',
    })
  }
  // The second line is missing from before there was one.
  const match = /^([0-9a-f]{64})(?:\n([0-9a-f]{64}))?\n?$/.exec(text)
  const hint = 'Bring it back from a backup, or move it aside for a new one: to others that is another author.'
  if (match === null) throw new ChatError('DATA_UNUSABLE', `${file} holds no key`, { hint })
  const [, secret = '', owner] = match
  const seed = Buffer.from(secret, 'hex')
  if (owner !== undefined && owner !== hexOf(keyPairOf(seed).publicKey))
    throw new ChatError('DATA_UNUSABLE', `the key ${file} is damaged: its two lines do not belong together`, { hint })
  return seed
}

/** On disk, whole, before anything is signed with it. */
async function writeSeed(file: string, seed: Uint8Array): Promise<void> {
  const draft = `${file}.new`
  try {
    await rm(draft, { force: true })
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(`${hexOf(seed)}\n${hexOf(keyPairOf(seed).publicKey)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Under its own name only when it is whole, and never over another.
    await link(draft, file)
    await rm(draft)
    const directory = await open(path.dirname(file))
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (cause) {
    throw new ChatError('DATA_UNUSABLE', `the key ${file} cannot be made`, {
      cause,
      hint: 'Choose another directory with --data.',
    })
  }
}
