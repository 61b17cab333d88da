// The package's public face. Nothing inside imports it.

export { ChatError, type ErrorCode } from './base/errors.js'
export { type Message, messageOf } from './chat/message.js'
export { addressOfName } from './discovery/hashed-port.js'
export type { AuthorId, Seq } from './log/author.js'
export { decodeEntry, type Entry, type Members } from './log/entry.js'
export type { Digest } from './log/head.js'
export { Log, type LogOptions } from './log/log.js'
export type { ReadOptions, ReplicationOptions } from './log/options.js'
export { type OpenPeerOptions, openPeer } from './peer/open.js'
export { Peer } from './peer/peer.js'
export type { Address } from './swarm/address.js'
export { type LinkInfo, Swarm, type SwarmOptions } from './swarm/swarm.js'
