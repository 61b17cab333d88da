import { type FileKind, writeOwnFile } from '../base/files/own-file.js'
import { ARCHIVE_START_BYTES, beginsArchive } from '../sync/archive.js'

const EXPORT: FileKind = { name: 'an export', startBytes: ARCHIVE_START_BYTES, begins: beginsArchive }

/** Writes an export to `file`, replacing an older export. Rejects with DATA_UNUSABLE. */
export const writeExport = (file: string, archive: AsyncIterable<Uint8Array>): Promise<void> =>
  writeOwnFile(file, EXPORT, archive)
