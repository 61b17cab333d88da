import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadKey } from '../../base/crypto/key-file.js'
import { ChatError } from '../../base/errors.js'
import { diskError } from '../../base/files/disk-faults.js'
import { syncDirectory } from '../../base/files/draft-file.js'
import { makeDirectory } from '../../base/files/make-directory.js'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { NodeStore } from '../../host/server/node-store.js'
import { type AuthorId, authorOfKey } from '../../log/format/author.js'
import { LevelStore } from '../../log/store/level-store.js'
import type { Home } from '../../node/paths.js'
import type { BackupContent } from './backup-content.js'
import { writeHome } from './home-content.js'

/** The data that a backup restores, read from a restored home. */
export interface Restored {
  readonly key: AuthorId
  readonly rooms: number
  readonly people: number
}

/** Restores a backup into a temporary directory, opens the result, and removes it. */
export async function rehearse(content: BackupContent): Promise<Restored> {
  const directory = await mkdtemp(path.join(tmpdir(), 'persisted-chat-'))
  try {
    await writeHome(directory, content)
    return await summaryOf(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Restores a backup completely or not at all. Rejects with DATA_UNUSABLE if there is a home already. */
export async function restoreHome(home: Home, content: BackupContent): Promise<Restored> {
  const target = path.resolve(home.directory)
  await checkIsAbsent(home)
  const draft = path.join(path.dirname(target), `.persisted-chat-${hexOf(systemRandom.bytes(8))}`)
  try {
    await makeDirectory(path.dirname(target))
    await mkdir(draft, { mode: 0o700 })
    await writeHome(draft, content)
    const restored = await summaryOf(draft)
    await rmdir(target).catch(() => {}) // removes an empty directory
    await rename(draft, target)
    await syncDirectory(path.dirname(target))
    return restored
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    throw cause instanceof ChatError ? cause : diskError(`${home.directory} cannot be written`, cause)
  }
}

/** Rejects with DATA_UNUSABLE if there is a home already. */
export async function checkIsAbsent({ me, directory }: Home): Promise<void> {
  const names = await readdir(directory).catch(() => [])
  if (names.length > 0)
    throw new ChatError('DATA_UNUSABLE', `${me} has a key or logs already, in ${directory}`, {
      hint: 'Restore to another directory with {data}, or move that one aside.',
    })
}

async function summaryOf(directory: string): Promise<Restored> {
  const { publicKey } = await loadKey(path.join(directory, 'key'), systemRandom)
  const store = await LevelStore.open(path.join(directory, 'node'))
  try {
    const node = new NodeStore(store)
    const [rooms, pins] = [await node.rooms(), await node.pins()]
    return { key: authorOfKey(publicKey), rooms: rooms.length, people: pins.length }
  } finally {
    await store.close()
  }
}
