import type { DialFailure, DialFailureReason } from '../../net/dial-failure.js'
import type { CloseReason, NetEvent } from '../../net/events.js'
import { formatAddress } from '../../net/lan/address.js'
import { CONNECTIONS_MAX, NOT_READING_MS_MAX, SILENCE_MS_MAX } from '../../net/limits.js'
import type { Sentences } from './event-context.js'

const DIAL_FAILURES: Readonly<Record<Exclude<DialFailureReason, 'other'>, string>> = {
  refused: 'nothing is listening there',
  'host-unreachable': 'the host is unreachable',
  'network-unreachable': 'the network is unreachable',
  'no-answer': 'no answer',
  closed: 'the peer closed the connection',
  'unknown-host': 'unknown host name',
  'no-such-peer': 'no one on this network answers to that name',
  'other-protocol': 'the peer does not speak this protocol',
  'older-version': 'the peer speaks an older version, and has to be updated',
  'malformed-handshake': 'the peer sent a malformed handshake',
  altered: 'the handshake was changed on its way',
  'other-room': 'the peer is not in this room',
  'unproven-key': 'the peer did not prove its key',
  'lobby-only': 'scuttleup peers can connect in the lobby only',
  'encrypted-only': 'a scuttleup peer cannot encrypt, and --encrypted refuses it',
  'announced-native': 'it does not encrypt, although a peer that does is announced there: someone may be between you',
}

const CLOSE_REASONS: Readonly<Record<CloseReason, string>> = {
  closed: 'the connection closed',
  cut: 'the connection was cut',
  altered: 'something was changed, repeated or left out on its way',
  'protocol-violated': 'the peer broke the protocol',
  'not-reading': `the peer read nothing for ${NOT_READING_MS_MAX / 1_000} s`,
  silent: `silent for ${SILENCE_MS_MAX / 1_000} s`,
  evicted: 'evicted to make room',
  replaced: 'replaced by a newer connection to the same peer',
  'connected-to-self': 'connected to itself',
  'connection-limit': `at the limit of ${CONNECTIONS_MAX} connections`,
  'enough-connections': 'there are enough connections',
}

/** The consequence of a multicast fault for the user. */
const CONSEQUENCE = 'until that changes, peers there are reached by address only, not by name.'

/** Describes why a dial failed. */
export const dialFailureText = ({ reason, detail }: DialFailure): string =>
  reason === 'other' ? (detail ?? 'the connection failed') : DIAL_FAILURES[reason]

export const closeReasonText = (reason: CloseReason): string => CLOSE_REASONS[reason]

/** The connected peers, each marked as encrypted or not. */
export const encryptionText = (connected: readonly string[], plain: readonly string[] = []): string =>
  connected.map(name => `${name} (${plain.includes(name) ? 'plain: scuttleup peer' : 'encrypted'})`).join(', ')

export const NET_SENTENCES: Sentences<NetEvent> = {
  'dial-failed': event => {
    const { name, address, tries } = event
    const count = tries > 1 && /^10+$/.test(String(tries)) ? `, ${tries} times` : ''
    return `${name} (${formatAddress(address)}): ${dialFailureText(event)}${count}; still trying`
  },
  'dialled-self': ({ name, address }) =>
    `${name} (${formatAddress(address)}) is this process itself; trying again now and then`,
  'older-version': ({ address }) => `${address} speaks an older version, and cannot connect until it is updated`,
  'no-interface': () => `No network interface: ${CONSEQUENCE}`,
  'multicast-port-unavailable': ({ port, code }) => `UDP port ${port} is unavailable (${code}): ${CONSEQUENCE}`,
  'multicast-failed': event => `No multicast on ${event.interface}, ${event.address} (${event.code}): ${CONSEQUENCE}`,
}
