import { renderUnicodeCompact } from 'uqr'
import { info } from '../../ui/lines/output.js'
import { readText } from '../../ui/member-text.js'
import { DONE } from '../exit-code.js'
import { requestNode } from './node-request.js'
import { printJson, printLine, type RoomFlags } from './output.js'

export interface InviteFlags extends RoomFlags {
  readonly uses: number
  readonly for: number
  readonly as?: string
  readonly qr?: boolean
}

/** `persisted-chat invite <me> <room>`: prints an invitation code. */
export async function invite(me: string, room: string, flags: InviteFlags): Promise<number> {
  const { data, json, uses, as: role, qr, for: forMs } = flags
  const command = { do: 'invite', room, uses, forMs, ...(role !== undefined && { role }) }
  await requestNode(me, data, command, item => {
    if (json) return printJson(item)
    const code = String(item['code'])
    printLine(code)
    if (qr) process.stderr.write(`${renderUnicodeCompact(code, { ecc: 'M' })}\n`)
    info(
      `for ${uses === 1 ? 'one person' : `${uses} people`}, until ${String(item['until'])}: persisted-chat join <name> <code>`,
    )
    info(`whoever uses it reads ${readText(item['history'])}`)
    info('somebody who may admit has to be in the room then, as you are while a chat or a node of yours has it open')
  })
  return DONE
}

/** `persisted-chat invites <me> <room>` */
export async function listInvitations(me: string, room: string, { data, json }: RoomFlags): Promise<number> {
  await requestNode(me, data, { do: 'invites', room }, item => {
    if (json) return printJson(item)
    const { invite: id, by, role, until, uses, admitted, state } = item
    const names = Array.isArray(admitted) ? admitted : []
    const used = names.length === 0 ? `0 of ${uses} used` : `${names.length} of ${uses} used: ${names.join(', ')}`
    printLine(`${String(id).slice(0, 8)}  ${state}  ${role}, by ${by}, until ${until}, ${used}`)
  })
  return DONE
}

/** `persisted-chat uninvite <me> <room> <invite>` */
export async function withdraw(me: string, room: string, id: string, { data, json }: RoomFlags): Promise<number> {
  await requestNode(me, data, { do: 'uninvite', room, invite: id }, item => {
    if (json) printJson(item)
    else info(`revoked the invitation ${String(item['invite']).slice(0, 8)}`)
  })
  return DONE
}
