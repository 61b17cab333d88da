/** Crockford's alphabet: no I, L, O and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BITS = 5

/** Bytes as Crockford's base32, the most significant bits first. The number of bits has to be a multiple of 5. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let count = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    for (count += 8; count >= BITS; count -= BITS) text += ALPHABET[(bits >> (count - BITS)) & 31]
    bits &= (1 << count) - 1
  }
  return text
}

/** The bytes of base32 in upper case; undefined if it contains another character. I and L are read as 1, O as 0. */
export function fromBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = []
  let bits = 0
  let count = 0
  for (const character of text.replace(/[IL]/g, '1').replaceAll('O', '0')) {
    const value = ALPHABET.indexOf(character)
    if (value === -1) return undefined
    bits = (bits << BITS) | value
    count += BITS
    if (count < 8) continue
    count -= 8
    bytes.push(bits >> count)
    bits &= (1 << count) - 1
  }
  return Uint8Array.from(bytes)
}
