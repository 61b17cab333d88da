import type { Fields } from '../../host/protocol/codec.js'
import { info } from '../../ui/lines/output.js'
import { admittedText, formerText, personText } from '../../ui/member-text.js'
import { DONE } from '../exit-code.js'
import { requestNode } from './node-request.js'
import { printJson, printLine, type RoomFlags } from './output.js'

/** `persisted-chat members <me> <room>`: lists the members (with `--tree`, as a tree of who admitted whom) and the former members. */
export async function listMembers(
  me: string,
  room: string,
  { data, json, tree }: RoomFlags & { readonly tree?: boolean },
): Promise<number> {
  const items: Fields[] = []
  await requestNode(me, data, { do: 'members', room }, item => {
    if (json) printJson(item)
    else items.push(item)
  })
  const members = items.filter(({ key }) => key !== undefined)
  const keys = new Set(members.map(({ key }) => key))
  const shown = new Set<unknown>()
  const print = (item: Fields, depth: number): void => {
    shown.add(item['key'])
    const { key, name, role, since, keeper } = item
    const indent = '  '.repeat(depth)
    printLine(
      `${indent}${personText(name, key)}  ${role}  ${String(key).slice(0, 8)}${since === null ? '' : `  since ${since}`}${keeper === true ? '  keeps the room' : ''}`,
    )
    if (tree) for (const guest of members) if (guest['by'] === key && !shown.has(guest['key'])) print(guest, depth + 1)
  }
  for (const member of members) if (!tree || !keys.has(member['by'])) print(member, 0)
  for (const item of items) if (item['removed'] !== undefined) printLine(formerText(item))
  for (const { waiting, name } of items)
    if (waiting !== undefined) printLine(`${personText(name, waiting)}  waits for a place: the room is full`)
  return DONE
}

/** `persisted-chat remove <me> <room> <who>` */
export async function removeMember(me: string, room: string, who: string, { data, json }: RoomFlags): Promise<number> {
  await requestNode(me, data, { do: 'remove', room, who }, item => {
    if (json) printJson(item)
    else
      info(
        `removed ${personText(item['name'], item['removed'])} from ${room}: members whose program knows of this no longer send them anything`,
      )
  })
  return DONE
}

/** `persisted-chat admit <me> <room> <who>` */
export async function admitMember(
  me: string,
  room: string,
  who: string,
  { data, json, as: role }: RoomFlags & { readonly as?: string },
): Promise<number> {
  await requestNode(me, data, { do: 'admit', room, who, role }, item => {
    if (json) printJson(item)
    else info(admittedText(item, `of ${room} now`))
  })
  return DONE
}

/** `persisted-chat leave <me> <room>` */
export async function leaveRoom(
  me: string,
  room: string,
  { data, json, forget }: RoomFlags & { readonly forget?: boolean },
): Promise<number> {
  await requestNode(me, data, { do: 'leave', room, forget: forget ?? false }, item => {
    if (json) printJson(item)
    else info(forget ? `you left ${room}, and it is deleted here` : `you left ${room}; its history stays here`)
  })
  return DONE
}
