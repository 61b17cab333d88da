import { systemClock } from '../../base/clock.js'
import { isRunning } from '../../base/files/running-process.js'
import { homeOf } from '../../node/paths.js'
import { draftToStart, draftToStore } from '../../session/draft.js'
import { loadView, savedViewFile, saveView } from '../../session/saved-view.js'
import { Session } from '../../session/session.js'
import { Alerts } from '../alerts.js'
import { info } from '../lines/output.js'
import type { Hidden, RoomTab } from '../rooms/room-tab.js'
import type { RoomTabs } from '../rooms/room-tabs.js'
import { ChatScreen } from './chat-screen.js'
import { Terminal } from './terminal.js'

/** Messages of the history that are shown first. */
const HISTORY = 200
/** Messages before the unread ones that are shown when the user returns to a room. */
const CONTEXT = 10
/** How often the draft is saved, in case the process is killed. */
const SAVE_MS = 5_000

export interface ScreenOptions {
  readonly data: string
  readonly me: string
  readonly last: number | 'all' | undefined
  readonly hasBell: boolean
  /** The command to run for messages that ring and that the user does not see. */
  readonly onMention: string | undefined
}

/** Shows the rooms of a user on a terminal, one at a time. Resolves when the user leaves, or after `stopped` has resolved. */
export async function runScreen(rooms: RoomTabs, options: ScreenOptions, stopped: Promise<void>): Promise<void> {
  const stop = new AbortController()
  void stopped.then(() => stop.abort())
  const terminal = new Terminal()
  let screen: ChatScreen | undefined
  terminal.open({
    onResize: () => screen?.resized(),
    onBackground: () => info('this chat runs in the background: fg shows it (under timeout, add --foreground)'),
    onLost: () => stop.abort(),
    onUnstoppable: () => screen?.tell('Ctrl-Z does nothing here: no shell could continue this program'),
  })
  const alerts = new Alerts({
    command: options.onMention,
    notify: text => options.hasBell && terminal.notify(text),
    warn: line => screen?.tell(line, 'alarm'),
  })
  terminal.keys.on('key', () => alerts.used()).on('paste', () => alerts.used())
  rooms.on('ring', ring => alerts.rang({ ...ring, isShown: false }))
  let last = options.last ?? HISTORY
  for (let isTitled = false; ; isTitled = true) {
    const tab = rooms.shown
    tab.show()
    const view = new ShownRoom(tab, rooms, terminal, alerts, { ...options, last, isTitled })
    screen = view.screen
    const next = await view.show(stop.signal)
    if (next === undefined) break
    if (rooms.all.includes(tab)) tab.hide(view.hidden)
    else void tab.face.close()
    last = Math.min(HISTORY, next.unread + CONTEXT)
    rooms.show(next)
  }
  rooms.end()
  terminal.close([])
}

const viewFileOf = ({ data, me }: ScreenOptions, room: string): string => savedViewFile(homeOf(data, me, room).database)

/** One room on the screen, for as long as it is shown. */
class ShownRoom {
  readonly screen: ChatScreen
  readonly #tab: RoomTab
  readonly #rooms: RoomTabs
  readonly #session: Session
  readonly #file: string
  /** The draft that this process read or wrote last. */
  #known: string
  #saved: Promise<void> = Promise.resolve()

  constructor(
    tab: RoomTab,
    rooms: RoomTabs,
    terminal: Terminal,
    alerts: Alerts,
    options: ScreenOptions & { readonly last: number | 'all'; readonly isTitled: boolean },
  ) {
    const { face } = tab
    this.#tab = tab
    this.#rooms = rooms
    this.#file = viewFileOf(options, tab.room)
    const view = loadView(this.#file)
    this.#known = draftToStart(view.draft, pid => face.others > 0 && isRunning(pid))
    this.#session = new Session(face, view, systemClock)
    this.screen = new ChatScreen({
      ...options,
      session: this.#session,
      terminal,
      rooms,
      draft: this.#known,
      onShown: () => void rooms.reopen(room => loadView(viewFileOf(options, room))),
      onRing: message =>
        alerts.rang({
          room: tab.room,
          message,
          connectedAt: face.connectionSummary.openedAt,
          isShown: true,
        }),
      isLastFace: () => !face.goesOn,
      request: command => face.command(command),
      isSilent: () => face.isSilent,
    })
  }

  /** People and lines that are not shown. */
  get hidden(): Hidden {
    return this.#session
  }

  async show(stop: AbortSignal): Promise<RoomTab | undefined> {
    const { screen } = this
    const { face, notices } = this.#tab
    const onChange = (): void => screen.changed()
    const onPresence = (): void => screen.presenceChanged()
    this.#rooms.on('change', onChange)
    face.on('change', onChange).on('presence', onPresence)
    const saving = setInterval(() => this.#save(process.pid), SAVE_MS)
    notices.sendTo(({ level, line }) => screen.tell(line, level === 'info' ? 'info' : 'alarm'))
    const next = await screen.show(stop)
    clearInterval(saving)
    this.#rooms.off('change', onChange)
    face.off('change', onChange).off('presence', onPresence)
    await this.#save(undefined)
    return next
  }

  /** Saves the draft. `pid`: the process that still edits it; undefined when this screen closes. */
  #save(pid: number | undefined): Promise<void> {
    this.#saved = this.#saved
      .then(() => {
        const now = this.screen.remembered
        const draft = draftToStore({ text: now.draft, pid }, loadView(this.#file).draft, this.#known)
        this.#known = now.draft === '' ? this.#known : now.draft
        return saveView(this.#file, { ...now, draft })
      })
      .catch(error => this.screen.tell(`the draft cannot be saved: ${error.message}`, 'alarm'))
    return this.#saved
  }
}
