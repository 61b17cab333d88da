import { fileURLToPath } from 'node:url'
import { systemClock } from '../../base/clock.js'
import { reasonOf } from '../../base/errors.js'
import { packageFile, packageVersion } from '../../base/program-files.js'
import { sanitise } from '../../base/safe-text.js'
import { homeOf } from '../../node/paths.js'
import { info, warn } from '../../ui/lines/output.js'
import { StopRequest } from '../../ui/lines/stop-request.js'
import { Notices } from '../../ui/notices.js'
import { RoomTabs } from '../../ui/rooms/room-tabs.js'
import { SavedRooms } from '../../ui/rooms/saved-rooms.js'
import { type PageFile, readPageFiles } from '../../ui/web/server/page-files.js'
import { WebFace } from '../../ui/web/web-face.js'
import { Workspace } from '../../ui/web/workspace.js'
import { attachFace } from '../attach-face.js'
import { sealedBackup } from '../backup/sealed-backup.js'
import { diagnose } from '../doctor/doctor-command.js'
import { DONE } from '../exit-code.js'
import { type FaceOptions, inRoom, type PreparedNode, prepareNode } from '../prepared-node.js'
import { printJson } from '../rooms/output.js'
import { alsoInLine } from '../store/data-directory.js'
import { storedInAll } from '../stored-faces.js'
import { openBrowser } from './open-browser.js'
import { RunningWeb } from './running-web.js'

/** The directory of the built page. */
const PAGE = 'dist/program/web/'

export interface WebOptions extends FaceOptions {
  /** Other data directories that contain logs of the same user name. */
  readonly alsoIn: readonly string[]
  readonly onMention: string | undefined
  /** 0: any free port. */
  readonly port: number
  /** Whether to open the page in the browser. */
  readonly isOpened: boolean
  readonly isJson: boolean
}

/** `persisted-chat web <me> [peer...]`: serves the page until it is stopped, and prints its address. Resolves with the exit code. */
export async function serveWeb(options: WebOptions): Promise<number> {
  const { directory } = homeOf(options.data, options.me, options.room)
  const running = new RunningWeb(directory)
  const other = await running.find()
  if (other !== undefined) return announce(other, options, directory)
  const files = await readPageFiles(fileURLToPath(packageFile(PAGE)))
  const stop = new StopRequest()
  try {
    return await serve(options, await prepareNode(options), { files, running, stop, directory })
  } finally {
    stop.release()
  }
}

interface Serving {
  readonly files: ReadonlyMap<string, PageFile>
  readonly running: RunningWeb
  readonly stop: StopRequest
  readonly directory: string
}

async function serve(options: WebOptions, prepared: PreparedNode, serving: Serving): Promise<number> {
  const { me, data, alsoIn, port } = options
  const { files, running, stop, directory } = serving
  const rooms = await openRooms(prepared, directory)
  const stopped = Promise.race([stop.asked(), rooms.ended])
  for (const place of alsoIn) rooms.shown.notices.info(alsoInLine(me, place))
  const workspace = new Workspace({ ...partsOf(options), rooms, me, data })
  try {
    const web = await WebFace.open(workspace, port, files)
    try {
      const other = await running.claim(web.url)
      await announce(other ?? web.url, options, directory)
      if (other === undefined) {
        if (!options.isJson) info('whoever has this address can chat as you; Ctrl-C ends it')
        void workspace.start().catch(error => warn(`the rooms cannot be opened: ${reasonOf(error)}`))
        await stopped
      }
    } finally {
      await web.close('persisted-chat web was ended')
      await running.release(web.url)
    }
    workspace.close()
    return await storedInAll(
      rooms.all.map(({ face }) => face),
      stop,
    )
  } finally {
    workspace.close()
    await rooms.all[0]?.face.close()
  }
}

/** The rooms to open; the first one is already open. */
async function openRooms(prepared: PreparedNode, directory: string): Promise<RoomTabs> {
  const notices = new Notices()
  const face = await attachFace(prepared, notices.add, notices.add)
  return new RoomTabs({ face, notices }, new SavedRooms(directory), async room => {
    const others = new Notices()
    return { face: await attachFace(inRoom(prepared, room), others.add, others.add), notices: others }
  })
}

const partsOf = ({ me, data, listen, onMention }: WebOptions) => ({
  version: packageVersion(),
  clock: systemClock,
  onMention,
  doctor: async (room: string, peers: readonly string[]) => {
    const findings = await diagnose({ me, peers, listen, data, room })
    return findings.map(({ check, ok, what, next }) => ({
      check,
      isOk: ok,
      text: sanitise(what),
      next: sanitise(next),
    }))
  },
  backup: (passphrase: string) => sealedBackup(homeOf(data, me), passphrase),
})

/** Prints the address; opens it with `--open`. */
async function announce(url: string, { isJson, isOpened }: WebOptions, directory: string): Promise<number> {
  if (isJson) printJson({ url })
  else process.stdout.write(`${url}\n`)
  if (isOpened) await openBrowser(url, directory)
  return DONE
}
