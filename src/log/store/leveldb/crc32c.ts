// CRC-32C (RFC 3720), the checksum of LevelDB's journals and tables. node:zlib has only CRC-32.

/** Eight tables process eight bytes at a time ("slicing by 8", Kounavis and Berry 2005). */
const TABLES = (() => {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  const [first] = tables as [Uint32Array]
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1
    first[byte] = rest
  }
  for (let slice = 1; slice < 8; slice++) {
    const [before, table] = [tables[slice - 1] as Uint32Array, tables[slice] as Uint32Array]
    for (let byte = 0; byte < 256; byte++) {
      const rest = before[byte] as number
      table[byte] = (rest >>> 8) ^ (first[rest & 0xff] as number)
    }
  }
  return tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
})()

/** CRC-32C of the bytes with `from ≤ index < to`. */
export function crc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let crc = 0xffff_ffff
  let index = from
  for (; index + 8 <= to; index += 8) {
    crc ^=
      (bytes[index] as number) |
      ((bytes[index + 1] as number) << 8) |
      ((bytes[index + 2] as number) << 16) |
      ((bytes[index + 3] as number) << 24)
    crc =
      (t7[crc & 0xff] as number) ^
      (t6[(crc >>> 8) & 0xff] as number) ^
      (t5[(crc >>> 16) & 0xff] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[index + 4] as number] as number) ^
      (t2[bytes[index + 5] as number] as number) ^
      (t1[bytes[index + 6] as number] as number) ^
      (t0[bytes[index + 7] as number] as number)
  }
  for (; index < to; index++) crc = (t0[(crc ^ (bytes[index] as number)) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** A checksum as LevelDB stores it: masked, because a CRC over data that contains CRCs is unreliable. */
export const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
