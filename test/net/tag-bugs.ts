import type { Bug } from '../simulation/bugs.js'

const TAG = 'ROOM_TAG_LABEL, handshakeHash, roleByte(role)'

/** Mutations of the tag of a room. */
export const TAG_BUGS: readonly Bug[] = [
  {
    name: 'a tag is not bound to the handshake',
    file: 'net/handshake/hello',
    find: TAG,
    replace: 'ROOM_TAG_LABEL, roleByte(role)',
  },
  {
    name: 'a tag is not bound to the role',
    file: 'net/handshake/hello',
    find: TAG,
    replace: 'ROOM_TAG_LABEL, handshakeHash',
  },
]
