// Entries in plain form: {"at":"…","username":"…","message":"…"}, with nothing else and only escapes of one character.
// docs/protocol/logs.md §3.2.

/** `{"at":"`, as two overlapping words. */
const AT_WORD: u32 = 0x7461227b
const AT_WORD_END: u32 = 0x223a2274
const USERNAME = memory.data<u8>([0x22, 0x2c, 0x22, 0x75, 0x73, 0x65, 0x72, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22])
const USERNAME_BYTES: usize = 14
const MESSAGE = memory.data<u8>([0x22, 0x2c, 0x22, 0x6d, 0x65, 0x73, 0x73, 0x61, 0x67, 0x65, 0x22, 0x3a, 0x22])
const MESSAGE_BYTES: usize = 13
/** `"}` */
const END: u32 = 0x7d22
const END_BYTES: usize = 2

/** Where the digits of `at` begin: nine, four, a dot and four more. */
export const AT_START: usize = 7
const AT_END: usize = 25
const DOT_AT: usize = 20
const MIN_BYTES: usize = AT_END + USERNAME_BYTES + MESSAGE_BYTES + END_BYTES

/** Whether the bytes from `start` to `end` are an entry in plain form, of any length. */
export function isPlainEntry(start: usize, end: usize): bool {
  if (end - start < MIN_BYTES) return false
  if (load<u32>(start) !== AT_WORD || load<u32>(start, 3) !== AT_WORD_END) return false
  for (let i = AT_START; i < AT_END; i++) {
    const byte = load<u8>(start + i)
    if (i === DOT_AT ? byte !== 0x2e : !isDigit(byte)) return false
  }
  if (!hasBytes(start + AT_END, USERNAME, USERNAME_BYTES)) return false
  const username = stringEnd(start + AT_END + USERNAME_BYTES, end)
  if (username + MESSAGE_BYTES > end || !hasBytes(username, MESSAGE, MESSAGE_BYTES)) return false
  const message = stringEnd(username + MESSAGE_BYTES, end)
  return message + END_BYTES === end && load<u16>(message) === END
}

export function isDigit(byte: u32): bool {
  return byte - 0x30 < 10
}

/** Compares 8 to 16 bytes. */
function hasBytes(start: usize, expected: usize, length: usize): bool {
  const rest = length - 8
  return load<u64>(start) === load<u64>(expected) && load<u64>(start + rest) === load<u64>(expected + rest)
}

/** The end of the string that begins at `start`: its closing quote, or the first byte that the plain form does not allow. */
function stringEnd(start: usize, end: usize): usize {
  let at = unescapedEnd(start, end)
  while (at < end) {
    const byte = <u32>load<u8>(at)
    if (isUnescaped(byte)) at++
    else if (byte === 0x5c) {
      if (at + 1 >= end || !isEscape(load<u8>(at, 1))) return at
      at += 2
    } else {
      const bytes = byte < 0x80 ? 0 : characterBytes(at, end)
      if (bytes === 0) return at
      at += bytes
    }
    at = unescapedEnd(at, end)
  }
  return at
}

/** Skips 16 bytes at a time while all are unescaped ASCII. */
function unescapedEnd(start: usize, end: usize): usize {
  let at = start
  for (; at + 16 <= end; at += 16) {
    const bytes = v128.load(at)
    // As signed bytes, those from 0x80 are below 0x20 too.
    const control = i8x16.lt_s(bytes, i8x16.splat(0x20))
    const quote = i8x16.eq(bytes, i8x16.splat(0x22))
    const backslash = i8x16.eq(bytes, i8x16.splat(0x5c))
    const others = i8x16.bitmask(v128.or(control, v128.or(quote, backslash)))
    if (others !== 0) return at + ctz(others)
  }
  return at
}

function isUnescaped(byte: u32): bool {
  return byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c
}

/** Whether a byte after a backslash makes an escape of one character: " \ / b f n r t. */
function isEscape(byte: u32): bool {
  return (
    byte === 0x22 ||
    byte === 0x5c ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  )
}

/** Length of the UTF-8 character of more than one byte at `at`; 0 if it is malformed (RFC 3629: overlong, surrogate, too large). */
function characterBytes(at: usize, end: usize): i32 {
  const first = <u32>load<u8>(at)
  const bytes = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (bytes === 0 || at + bytes > end) return 0
  const second = <u32>load<u8>(at, 1)
  const min: u32 = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const max: u32 = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < min || second > max) return 0
  for (let i = 2; i < bytes; i++) if ((load<u8>(at + i) & 0xc0) !== 0x80) return 0
  return bytes
}
