import { systemClock } from '../../base/clock.js'
import { isRunning } from '../../base/files/running-process.js'
import type { Face } from '../../host/face.js'
import { homeOf } from '../../node/paths.js'
import { draftToStart, draftToStore } from '../../session/draft.js'
import { loadView, savedViewFile, saveView } from '../../session/saved-view.js'
import { Session } from '../../session/session.js'
import type { Notices } from '../notices.js'
import { ChatScreen } from './chat-screen.js'
import { Terminal } from './terminal.js'

/** Messages of the history that are shown first. */
const HISTORY = 200
/** How often the read marks and the draft are saved, in case the process is killed. */
const SAVE_MS = 5_000

export interface ScreenOptions {
  readonly data: string
  readonly me: string
  readonly room: string | undefined
  readonly last: number | 'all' | undefined
  readonly hasBell: boolean
}

/** Runs the chat on a terminal. Resolves when the user leaves, or after `stopped` has resolved. */
export async function runScreen(
  face: Face,
  { data, me, room, last, hasBell }: ScreenOptions,
  notices: Notices,
  stopped: Promise<void>,
): Promise<void> {
  const { database } = homeOf(data, me, room)
  const file = savedViewFile(database)
  const view = loadView(file)
  /** The draft that this process last read or wrote. */
  let known = draftToStart(view.draft, pid => face.others > 0 && isRunning(pid))
  const screen = new ChatScreen({
    session: new Session(face, view, systemClock),
    terminal: new Terminal(),
    draft: known,
    last: last ?? HISTORY,
    hasBell,
    isLastFace: () => !face.goesOn,
    isSilent: () => face.isSilent,
  })
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  face.on('change', () => screen.changed())
  face.on('presence', () => screen.presenceChanged())
  let saved: Promise<void> = Promise.resolve()
  const save = (pid: number | undefined): Promise<void> => {
    saved = saved
      .then(() => {
        const now = screen.remembered
        const draft = draftToStore({ text: now.draft, pid }, loadView(file).draft, known)
        known = now.draft === '' ? known : now.draft
        return saveView(file, { ...now, draft })
      })
      .catch(error => screen.tell(`the read marks cannot be saved: ${error.message}`, 'alarm'))
    return saved
  }
  const saving = setInterval(() => save(process.pid), SAVE_MS)
  notices.sendTo(({ level, line }) => screen.tell(line, level === 'info' ? 'info' : 'alarm'))
  await screen.show(stop.signal)
  clearInterval(saving)
  await save(undefined)
}
