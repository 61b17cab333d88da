import { info } from './output.js'
import { type FileKind, writeOwnFile } from './own-file.js'

/** How each report of `simulate` begins, up to its title. */
const BEGINNING = /^<!doctype html>\n<html lang="en">\n<head>\n(<meta [^>]*>\n)*<title>persisted-chat: /

const REPORT: FileKind = {
  name: 'report of this program',
  startBytes: 512,
  begins: start => BEGINNING.test(Buffer.from(start).toString('latin1')),
}

/** Writes a page with pictures, in the place of an older one or of nothing. Rejects with DATA_UNUSABLE. */
export async function writeReport(file: string, page: string): Promise<void> {
  await writeOwnFile(file, REPORT, page)
  info(`report in ${file}`)
}
