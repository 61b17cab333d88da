import { hash } from '../../base/crypto/hash.js'
import { utf8 } from '../../base/wire/bytes.js'

export const LOBBY = 'lobby'

/** The id of a room: a hash of 32 bytes over its name in NFC. docs/protocol/README.md §1. */
export const roomId = (name: string): Uint8Array => hash(utf8(`persisted-chat/room/1${name.normalize('NFC')}`))
