import { type FileKind, writeOwnFile } from '../../base/files/own-file.js'
import { info } from '../../ui/lines/output.js'

/** The beginning of every report of `simulate`. */
const BEGINNING = /^<!doctype html>\n<html lang="en">\n<head>\n(<meta [^>]*>\n)*<title>persisted-chat: /

const REPORT: FileKind = {
  name: 'a report of simulate',
  startBytes: 512,
  begins: start => BEGINNING.test(Buffer.from(start).toString('latin1')),
}

/** Writes a report, replacing an older one. Rejects with DATA_UNUSABLE. */
export async function writeReport(file: string, page: string): Promise<void> {
  await writeOwnFile(file, REPORT, page)
  info(`report in ${file}`)
}
