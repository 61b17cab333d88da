import { type FileHandle, link } from 'node:fs/promises'
import path from 'node:path'
import { ChatError, systemCode } from '../errors.js'
import { type EventOf, problem } from '../event-kinds.js'
import { DISK_FAILURE, diskError, diskFailureOf, isNotAFile } from '../files/disk-faults.js'
import { createFile, type Draft, draftBeside, syncDirectory } from '../files/draft-file.js'
import { isOpenToOthers, isOwn } from '../files/ownership.js'
import { beginningOf, withRegularFile } from '../files/regular-file.js'
import type { Random } from '../random.js'
import { optional, text } from '../shape.js'
import { hexOf } from '../wire/bytes.js'
import { type KeyPair, keyPairOf, SEED_BYTES } from './signing.js'

/** Largest file that is read as a key file. A valid key file has 130 bytes. */
const KEY_FILE_BYTES_MAX = 1024

const RESTORE_HINT = 'Restore it from a backup, or move its directory aside to start as a new author.'

export const KEY_FILE_EVENTS = {
  /** Other users could read the key. Their permissions were removed, unless there is a `failure`. */
  'key-open-to-others': problem({ file: text, failure: optional(DISK_FAILURE) }),
}

export type KeyFileEvent = EventOf<typeof KEY_FILE_EVENTS>

type OnEvent = (event: KeyFileEvent) => void

export interface LoadedKey extends KeyPair {
  /** Whether this call created it. */
  readonly isNew: boolean
  /** Whether its file also contains the public key, which reveals damage to the seed. */
  readonly isChecked: boolean
}

/**
 * The key in `file`, created if it is missing: a seed of 32 bytes as hex, then its public key, so that a damaged seed is detected instead
 * of yielding another author. Mode 0600. docs/protocol/storage.md §4.
 * Rejects with DATA_UNUSABLE if the file is not a key or belongs to another user. Never replaces a file.
 */
export async function loadKey(file: string, random: Random, onEvent: OnEvent = () => {}): Promise<LoadedKey> {
  const saved = await readSeed(file, onEvent)
  if (saved !== undefined) return { ...keyPairOf(saved.seed), isNew: false, isChecked: saved.isChecked }
  const seed = random.bytes(SEED_BYTES)
  try {
    await createFile(file, textOf(seed), random)
  } catch (cause) {
    // Another process created it first.
    if (systemCode(cause) === 'EEXIST') return loadKey(file, random, onEvent)
    throw notCreated(file, cause)
  }
  return { ...keyPairOf(seed), isNew: true, isChecked: true }
}

/** The seed in a key file, for a backup. Rejects with DATA_UNUSABLE if there is none. */
export async function readKeySeed(file: string): Promise<Uint8Array> {
  const saved = await readSeed(file, () => {})
  if (saved === undefined)
    throw new ChatError('DATA_UNUSABLE', `there is no key ${file}`, { hint: 'The chat creates it at its first start.' })
  return saved.seed
}

/** Writes a key file with a seed from a backup. Rejects if the file exists. */
export async function writeKeySeed(file: string, seed: Uint8Array, random: Random): Promise<void> {
  await createFile(file, textOf(seed), random)
}

/** A new key that is on disk but not in use yet. */
export interface PreparedKey {
  readonly old: KeyPair
  readonly fresh: KeyPair
  /**
   * Replaces the old key atomically; returns the path of its backup. Call it once the first entry of the new log is on disk:
   * until then the old key stays in use.
   */
  commit(): Promise<string>
  /** Deletes the new key; the old one stays in use. */
  discard(): Promise<void>
}

/** Writes a new key next to `file`, to replace the key in it. Rejects with DATA_UNUSABLE. */
export async function prepareKey(file: string, random: Random, onEvent: OnEvent = () => {}): Promise<PreparedKey> {
  const saved = await readSeed(file, onEvent)
  if (saved === undefined)
    throw new ChatError('DATA_UNUSABLE', `there is no key ${file} yet`, { hint: 'It is created on first start.' })
  const old = keyPairOf(saved.seed)
  const seed = random.bytes(SEED_BYTES)
  let draft: Draft
  try {
    draft = await draftBeside(file, textOf(seed), random)
  } catch (cause) {
    throw notCreated(file, cause)
  }
  return {
    old,
    fresh: keyPairOf(seed),
    commit: async () => {
      const present = await readSeed(file, onEvent)
      if (present === undefined || hexOf(present.seed) !== hexOf(saved.seed))
        throw new ChatError('DATA_UNUSABLE', `the key ${file} has changed in the meantime`, { hint: 'Try again.' })
      try {
        const backup = await backUp(file, `${file}.${hexOf(old.publicKey).slice(0, 8)}`, saved.seed, random)
        await syncDirectory(path.dirname(file))
        await draft.replace(file)
        return backup
      } catch (cause) {
        throw notCreated(file, cause)
      }
    },
    discard: () => draft.discard(),
  }
}

/** Hard-links the key in `file` as `name`, or as the first `name-<n>` that is free. */
async function backUp(file: string, name: string, seed: Uint8Array, random: Random): Promise<string> {
  for (let number = 1; ; number++) {
    const backup = number === 1 ? name : `${name}-${number}`
    try {
      await link(file, backup)
      return backup
    } catch (error) {
      if (systemCode(error) === 'EEXIST') continue
    }
    // The file system has no hard links: copy the key.
    try {
      await createFile(backup, textOf(seed), random)
      return backup
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
  }
}

const textOf = (seed: Uint8Array): string => `${hexOf(seed)}\n${hexOf(keyPairOf(seed).publicKey)}\n`

const noKey = (file: string, detail = ''): ChatError =>
  new ChatError('DATA_UNUSABLE', `${file} contains no key${detail}`, { hint: RESTORE_HINT })

const notCreated = (file: string, cause: unknown): ChatError => diskError(`the key ${file} cannot be created`, cause)

interface SavedSeed {
  readonly seed: Uint8Array
  readonly isChecked: boolean
}

async function readSeed(file: string, onEvent: OnEvent): Promise<SavedSeed | undefined> {
  const text = await readKeyFile(file, onEvent)
  if (text === undefined) return undefined
  // Files of earlier versions have no second line.
  const match = /^([0-9a-f]{64})(?:\n([0-9a-f]{64}))?\n?$/.exec(text)
  if (match === null) throw noKey(file)
  const [, secret = '', owner] = match
  const seed = Buffer.from(secret, 'hex')
  if (owner !== undefined && owner !== hexOf(keyPairOf(seed).publicKey)) {
    throw new ChatError('DATA_UNUSABLE', `the key ${file} is damaged: its two lines do not match`, {
      hint: RESTORE_HINT,
    })
  }
  return { seed, isChecked: owner !== undefined }
}

/** The content of a key file; undefined if it is missing. Removes other users' permissions. */
async function readKeyFile(file: string, onEvent: OnEvent): Promise<string | undefined> {
  try {
    return await withRegularFile(file, async handle => {
      const found = await handle.stat()
      if (!isOwn(found)) {
        const what = `the key ${file} belongs to another user (uid ${found.uid}), who could sign as you`
        const hint = 'Restore your own key from a backup, or choose another directory with {data}.'
        throw new ChatError('DATA_UNUSABLE', what, { hint })
      }
      if (found.size > KEY_FILE_BYTES_MAX) throw noKey(file, `: it has ${found.size} bytes`)
      if (isOpenToOthers(found)) onEvent(await restrict(file, handle))
      return (await beginningOf(handle, KEY_FILE_BYTES_MAX + 1)).toString('latin1')
    })
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    if (isNotAFile(cause))
      throw new ChatError('DATA_UNUSABLE', `the key ${file} is not a regular file`, { hint: RESTORE_HINT })
    throw diskError(`the key ${file} cannot be read`, cause, 'Make it readable for your account.')
  }
}

/** Removes other users' permissions. */
async function restrict(file: string, handle: FileHandle): Promise<KeyFileEvent> {
  try {
    await handle.chmod(0o600)
    return { kind: 'key-open-to-others', file }
  } catch (error) {
    return { kind: 'key-open-to-others', file, failure: diskFailureOf(error) }
  }
}
