import { encode } from 'uqr'
import { sanitise } from '../../../base/safe-text.js'
import type { Fields } from '../../../host/protocol/codec.js'
import { formerText, personText, readText } from '../../member-text.js'
import type { Invitation, Member } from '../protocol/state.js'
import { only } from './room-requests.js'
import type { Handlers } from './work.js'

/** Width of the quiet zone around a QR code, in modules. */
const QUIET_ZONE = 4

/** Handlers of requests about members of private rooms. */
export const MEMBER_REQUESTS: Handlers<'members' | 'invite' | 'invites' | 'uninvite'> = {
  members: async ({ workspace }, { room }) => {
    const { face } = workspace
    const members: Member[] = []
    const waiting: { key: string; name: string }[] = []
    const former: { key: string; name: string; text: string }[] = []
    for await (const item of face.command({ do: 'members', room })) {
      const { key, removed, waiting: newcomer, name } = item
      if (typeof key === 'string') members.push(memberOf(item, key, face.id))
      else if (typeof newcomer === 'string') waiting.push({ key: newcomer, name: personText(name, newcomer) })
      else if (typeof removed === 'string')
        former.push({ key: removed, name: personText(name, removed), text: formerText(item) })
    }
    return { members, waiting, former }
  },
  invite: async ({ workspace }, { room, uses, forMs, role }) => {
    const command = { do: 'invite', room, uses, forMs, ...(role !== undefined && { role }) }
    const { code, invite, until, uses: given, history } = await only(workspace.face.command(command))
    const { data } = encode(String(code), { ecc: 'M', border: QUIET_ZONE })
    return {
      code: String(code),
      id: String(invite),
      until: timeIn(until),
      uses: Number(given),
      history: `whoever uses it reads ${readText(history)}`,
      qr: data.map(row => row.map(isDark => (isDark ? '1' : '0')).join('')),
    }
  },
  invites: async ({ workspace }, { room }) => {
    const invitations: Invitation[] = []
    for await (const { invite, state, role, by, until, uses, admitted } of workspace.face.command({
      do: 'invites',
      room,
    }))
      invitations.push({
        id: String(invite),
        state: String(state),
        role: String(role),
        by: sanitise(String(by)),
        until: timeIn(until),
        uses: Number(uses),
        admitted: Array.isArray(admitted) ? admitted.map(name => sanitise(String(name))) : [],
      })
    return { invitations }
  },
  uninvite: async ({ workspace }, { room, invitation }) => {
    await only(workspace.face.command({ do: 'uninvite', room, invite: invitation }))
    return {}
  },
}

const memberOf = ({ name, role, by, since, keeper }: Fields, key: string, ourId: string): Member => ({
  key,
  name: personText(name, key),
  role: String(role),
  ...(typeof by === 'string' && { by }),
  since: timeIn(since),
  isKeeper: keeper === true,
  isOwn: key === ourId,
})

/** Parses a date from the node: milliseconds since 1970; 0 if there is none. */
function timeIn(value: unknown): number {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(time) ? time : 0
}
