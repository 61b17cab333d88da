// Limits of private rooms. Peers with other limits would disagree about the members of a room. docs/protocol/wire.md §7.

/** Members of a room. */
export const MEMBERS_MAX = 1_000

/** Operations of one log that count: of the rescue key, the founder and admins; of hosts; of members. */
export const OPERATIONS_MAX = 65_536
export const HOST_OPERATIONS_MAX = 4_096
export const MEMBER_OPERATIONS_MAX = 256

/** Guests that one term of the rescue key, the founder or an admin has at once. */
export const GUESTS_MAX = 4_096

/** Default of the same limit for a host whose admission does not set a number. */
export const HOST_GUESTS_DEFAULT = 32

/** Terms and operations below the guests of one admin. The admin's own guests are not included. */
export const BELOW_ADMIN_MAX = 16_384

/** Admissions between the founder and a member. */
export const ADMISSION_DEPTH_MAX = 16

/** Ids in the `answers` of one admission: as many as fit into an operation. */
export const ANSWERS_MAX = 24

/** Largest body of an operation, and of a removal or a leave, which name the runs of an author. */
export const BODY_BYTES_MAX = 1_024
export const LONG_BODY_BYTES_MAX = 12 * 1_024

/** Runs in a chat place. */
export const CHAT_RUNS_MAX = 256

/** The number of lines that stands for all lines. */
export const HISTORY_ALL = 0xffff_ffff

/** Invitations of one author that are open at once. */
export const INVITATIONS_MAX = 256

/** Largest card, key and signature included. */
export const CARD_BYTES_MAX = 512

/** Largest operation. */
export const OPERATION_BYTES_MAX = 32 + 32 + 4 + 32 + 2 + LONG_BODY_BYTES_MAX + 64

/** Text of a message request. */
export const REQUEST_BYTES_MAX = 4_096
