import { mkdir } from 'node:fs/promises'
import { packageVersion } from '../../src/base/program-files.js'
import { homeOf } from '../../src/node/paths.js'
import { Notices } from '../../src/ui/notices.js'
import { RoomTabs } from '../../src/ui/rooms/room-tabs.js'
import { SavedRooms } from '../../src/ui/rooms/saved-rooms.js'
import type { PageFile } from '../../src/ui/web/server/page-files.js'
import { WebFace } from '../../src/ui/web/web-face.js'
import { Workspace } from '../../src/ui/web/workspace.js'
import type { Cleanup } from './child.js'
import { HostMachine, LOBBY_OPTIONS } from './host-machine.js'
import { temporaryDirectory } from './temporary-directory.js'

const file = (type: string, text: string): PageFile => ({ type, bytes: Buffer.from(text), isImmutable: false })

export const INDEX = '<!doctype html><title>page</title>'

/** The server of the page, in this process, for a user whose node is in this process too. */
export interface WebMachine {
  readonly machine: HostMachine
  readonly web: WebFace
  readonly workspace: Workspace
  readonly tabs: RoomTabs
}

export async function openWeb(cleanup: Cleanup): Promise<WebMachine> {
  const machine = await HostMachine.open(cleanup)
  const data = await temporaryDirectory(cleanup)
  await mkdir(homeOf(data, 'alice').directory, { recursive: true })
  const attached = async (room?: string) => ({
    face: await machine.face(cleanup, { ...LOBBY_OPTIONS, room }),
    notices: new Notices(),
  })
  const tabs = new RoomTabs(await attached(), new SavedRooms(data), attached)
  const workspace = new Workspace({
    rooms: tabs,
    me: 'alice',
    data,
    version: packageVersion(),
    clock: machine.clock,
    onMention: undefined,
    doctor: async () => [{ check: 'port', isOk: true, text: 'the port is free', next: '' }],
    backup: async passphrase => Buffer.from(`sealed with ${passphrase}`),
  })
  const files = new Map([
    ['/', file('text/html; charset=utf-8', INDEX)],
    ['/assets/page.js', file('text/javascript; charset=utf-8', 'void 0')],
  ])
  const web = await WebFace.open(workspace, 0, files)
  cleanup.after(async () => {
    await web.close('the test ends')
    workspace.close()
  })
  await workspace.start()
  return { machine, web, workspace, tabs }
}
