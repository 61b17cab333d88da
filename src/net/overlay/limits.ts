// Limits of the overlay, specified for other implementations in docs/protocol/discovery.md.

/** Size of the active view: connections to overlay peers. */
export const ACTIVE_VIEW_MAX = 16

/** Size that the active view grows to by itself in larger rooms. A random graph of this degree is connected, whatever its size. */
export const ACTIVE_VIEW_TARGET = 10

/** Contacts in one frame; also contacts that are remembered from one connection. */
export const CONTACTS_PER_FRAME_MAX = 16

/** Size of the passive view: contacts in the address book. */
export const PASSIVE_VIEW_MAX = 64

/** Hops that the news of a joining peer travels. */
export const JOIN_HOPS_MAX = 6

/** Peer exchange frames that are read from one connection in a second. */
export const PEX_FRAMES_PER_SECOND_MAX = 32

/** Probes in a second, and probes of one host in a minute: nobody can direct many peers at a victim. */
export const PROBES_PER_SECOND_MAX = 4
export const PROBES_PER_HOST_PER_MINUTE_MAX = 8
