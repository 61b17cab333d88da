// Decides which datagrams are decoded. The decoder of multicast-dns was measured to take 1.3 ms and 2 MB for twelve bytes that
// announce 4 × 65,535 records, and 300 ms for 65 kB of names that point to pointers: a few of these would stop the program.

/** An Ethernet frame, which is far more than an answer of any peer needs. */
const DATAGRAM_BYTES_MAX = 1_500

const HEADER_BYTES = 12

/** A question has at least a root name, a type and a class; a record also has a time to live and a length. */
const QUESTION_BYTES_MIN = 5
const RECORD_BYTES_MIN = 11

/** Questions and records of one datagram: decoding each may walk through all of its names. */
const RECORDS_MAX = 48

/** The encoded first label of `host`, one character per byte, in lower case. */
export function labelPattern(host: string): string {
  const label = Buffer.from(host.slice(0, Math.max(host.indexOf('.'), 0)))
  return String.fromCharCode(label.length) + label.toString('latin1').toLowerCase()
}

/** Whether a datagram is long enough for the records that it claims, and contains one of the byte patterns. */
export function passesPrefilter(bytes: Buffer, marks: Iterable<string>): boolean {
  if (bytes.length < HEADER_BYTES || bytes.length > DATAGRAM_BYTES_MAX) return false
  const questions = bytes.readUInt16BE(4)
  const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10)
  if (questions + records > RECORDS_MAX) return false
  if (HEADER_BYTES + questions * QUESTION_BYTES_MIN + records * RECORD_BYTES_MIN > bytes.length) return false
  const text = bytes.toString('latin1').toLowerCase()
  for (const mark of marks) if (text.includes(mark)) return true
  return false
}
