import { lstatSync, readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { userDirectory } from '../base/files/user-directory.js'
import { checkName, checkRoomName, chosenComponent, pathComponentsOf } from '../base/names.js'
import { hexOf } from '../base/wire/bytes.js'
import type { AuthorId } from '../log/format/author.js'
import { LOBBY, roomId } from '../log/format/room-id.js'
import type { MarkPaths } from '../log/mark/own-mark.js'
import { roomLabel } from '../membership/format/room.js'

/** Directory name of a database: the lobby, or the first 16 hex digits of a room's id. */
export const DATABASE_NAME = /^(lobby|[0-9a-f]{16})$/

/** Directory name of the node's own database, in the home. */
export const NODE_DATABASE = 'node'

/** Digits of the key in the name of a mark. */
const KEY_DIGITS = 16

/** The name of the database of a public room. */
export const databaseNameOf = (room: string): string => (room === LOBBY ? LOBBY : hexOf(roomId(room)).slice(0, 16))

/** The paths of one user's files for one room. */
export interface Home {
  readonly me: string
  readonly room: string
  readonly roomId: Uint8Array
  /** Directory of the user: their key, and a database for each room. */
  readonly directory: string
  readonly keyFile: string
  readonly database: string
  /** Directory of the contents of files. */
  readonly files: string
  /** Name of the database within the directory. */
  readonly databaseName: string
}

/**
 * The only function that turns names into path components. Reads `data` to find how the name is spelled there.
 * `privateId` is the id of a private or direct room; `room` is then only the name. Throws BAD_NAME.
 */
export function homeOf(data: string, me: string, room = LOBBY, privateId?: Uint8Array): Home {
  const name = checkName(me, `the name ${JSON.stringify(me)}`)
  const roomName = checkRoomName(room)
  const directory = path.join(data, componentIn(data, name))
  const databaseName = privateId === undefined ? databaseNameOf(roomName) : roomLabel(privateId)
  return {
    me: name,
    room: roomName,
    get roomId() {
      return privateId ?? roomId(roomName)
    },
    directory,
    keyFile: path.join(directory, 'key'),
    database: path.join(directory, databaseName),
    files: path.join(directory, `${databaseName}.files`),
    databaseName,
  }
}

/** Everything in the directory of a user that belongs to a room: its database, and what is named after it. */
export async function entriesOfRoom({ directory, databaseName }: Home): Promise<string[]> {
  const names = await readdir(directory)
  const isOfRoom = (name: string): boolean =>
    name.startsWith(databaseName) && /^(\W|$)/.test(name.slice(databaseName.length))
  return names.filter(isOfRoom).map(name => path.join(directory, name))
}

/**
 * The files that record the end of our log: one beside the database, and a copy in the platform's state directory,
 * which a backup of the data does not restore. The file names contain the key, because a mark describes the log of one
 * key.
 */
export function markPaths({ directory, databaseName }: Home, author: AuthorId): MarkPaths {
  const name = `${databaseName}-${author.slice(0, KEY_DIGITS)}.mark`
  const state = userDirectory('state')
  return { file: path.join(directory, name), copy: state === undefined ? undefined : path.join(state, 'marks', name) }
}

/** The files that record the end of the user's operations in a private room. */
export function operationMarkPaths(home: Home, author: AuthorId): MarkPaths {
  const { file, copy } = markPaths(home, author)
  return { file: `${file}.operations`, copy: copy && `${copy}.operations` }
}

/** The path component under which a name is, or will be, stored in a directory. Two names never share one. */
function componentIn(directory: string, name: string): string {
  const isTaken = (component: string): boolean => exists(path.join(directory, component))
  return chosenComponent(name, entriesOf(directory) ?? pathComponentsOf(name).filter(isTaken), isTaken)
}

/** Undefined if the directory cannot be listed; its entries may still be accessible. */
function entriesOf(directory: string): readonly string[] | undefined {
  try {
    return readdirSync(directory)
  } catch {
    return undefined
  }
}

function exists(file: string): boolean {
  try {
    lstatSync(file)
    return true
  } catch {
    return false
  }
}
