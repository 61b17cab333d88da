import { MAGIC, openFile, sealFile } from '../../base/crypto/sealed-file.js'
import { ChatError } from '../../base/errors.js'
import { diskError } from '../../base/files/disk-faults.js'
import { type FileKind, writeOwnFile } from '../../base/files/own-file.js'
import { withRegularFile } from '../../base/files/regular-file.js'
import { systemRandom } from '../../base/random.js'
import { sameBytes } from '../../base/wire/bytes.js'
import { type BackupContent, decodeBackup, encodeBackup } from './backup-content.js'

const BACKUP: FileKind = {
  name: 'a backup',
  startBytes: MAGIC.length,
  begins: start => sameBytes(start, MAGIC),
}

/** Largest file that is read as a backup. */
const FILE_BYTES_MAX = 256 * 1024 * 1024

/** Writes a backup to `file`, replacing an older backup. Rejects with DATA_UNUSABLE. */
export async function writeBackup(file: string, content: BackupContent, passphrase: string): Promise<void> {
  const sealed = await sealFile(encodeBackup(content), passphrase, systemRandom)
  await writeOwnFile(file, BACKUP, sealed)
}

/** Reads a backup. Rejects with DATA_UNUSABLE and the fault that was found. */
export async function readBackup(file: string, passphrase: string): Promise<BackupContent> {
  const opened = await openFile(await bytesOf(file), passphrase)
  switch (opened.kind) {
    case 'content': {
      const content = decodeBackup(opened.content)
      if (content === undefined) throw unusable(`${file} does not have the content of a backup of this version`, UPDATE)
      return content
    }
    case 'other-file':
      throw unusable(`${file} is not a backup`, 'Name a file that persisted-chat backup has written.')
    case 'newer-version':
      throw unusable(`${file} was written by a newer version`, UPDATE)
    case 'wrong-passphrase':
      throw unusable(`this is not the passphrase of ${file}`, 'Try again; nothing was written.')
    case 'cut':
      throw unusable(`the end of ${file} is missing`, 'Copy the whole file again, or use another backup.')
    case 'damaged':
      throw unusable(`${file} is damaged, or somebody has changed it`, 'Use another copy of it, or another backup.')
  }
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await withRegularFile(file, async handle => {
      const { size } = await handle.stat()
      if (size > FILE_BYTES_MAX) throw unusable(`${file} is not a backup: it has ${size} bytes`, 'Name another file.')
      return handle.readFile()
    })
  } catch (cause) {
    if (cause instanceof ChatError) throw cause
    throw diskError(`the backup ${file} cannot be read`, cause)
  }
}

const UPDATE = 'Update persisted-chat.'

const unusable = (what: string, hint: string): ChatError => new ChatError('DATA_UNUSABLE', what, { hint })
