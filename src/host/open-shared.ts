import { systemClock } from '../base/clock.js'
import { reasonOf } from '../base/errors.js'
import { checkHome } from '../node/home-guard.js'
import { afterSilence, FIRST_ANSWER_MS, silentLine, watchHost } from '../node/host-watch.js'
import { type OpenRoomOptions, openRoom } from '../node/open-room.js'
import { homeOf } from '../node/paths.js'
import { Attached } from './attached.js'
import { doorPid, knock, openDoor } from './door.js'
import { type Seat, type Seats, SharedConversation } from './shared-conversation.js'
import { WindowHost } from './window-host.js'

/**
 * Opens the chat; where the same user has it open already, as another window of that. Rejects with a ChatError. `onSilent`
 * is told at once where that process does not answer, for then this waits.
 */
export async function openShared(
  options: OpenRoomOptions,
  onSilent: (line: string) => void,
): Promise<SharedConversation> {
  const home = homeOf(options.data, options.me, options.room)
  const { door } = home
  await checkHome(home, options.onWarning) // before connecting to a socket in it
  let tell = onSilent
  const seats: Seats = {
    onInfo: options.onInfo,
    onWarning: options.onWarning,
    host: (before, onChange) =>
      host(before === undefined ? options : { ...options, ...setupOf(before, options) }, door, onChange),
    window: () => window(options, door, line => tell(line)),
  }
  const shared = await SharedConversation.open(seats, systemClock)
  tell = options.onWarning
  return shared
}

async function host(options: OpenRoomOptions, door: string, onChange: () => void): Promise<Seat> {
  const peer = await openRoom(options)
  const { peers, listen, isDiscovering } = options
  const windows = new WindowHost(peer, systemClock, { peers, listen, isDiscovering }, onChange)
  const closeDoor = await openDoor(door, socket => windows.admit(socket)).catch(error => {
    options.onWarning(`no second window can be opened: ${reasonOf(error)}`)
    return () => Promise.resolve()
  })
  return {
    kind: 'host',
    hosted: peer,
    others: () => windows.count,
    close: async () => {
      windows.close()
      const closed = closeDoor()
      await peer.close()
      windows.release()
      await closed
    },
  }
}

async function window(
  options: OpenRoomOptions,
  door: string,
  onSilent: (line: string) => void,
): Promise<Seat | undefined> {
  const socket = await knock(door, systemClock)
  if (socket === undefined) return undefined
  const tellSilent = async (tell: (line: string) => void): Promise<void> =>
    tell(silentLine(options.me, await doorPid(door)))
  const cancel = afterSilence(systemClock, FIRST_ANSWER_MS, () => void tellSilent(onSilent))
  const attached = await Attached.over(socket).catch(() => undefined)
  cancel()
  if (attached === undefined) return undefined
  watchHost(attached, systemClock, isSilent => {
    if (isSilent) void tellSilent(options.onWarning)
    else options.onInfo('the other process answers again')
  })
  options.onInfo(`${attached.me} is in the chat already: this is another window of it`)
  for (const peer of options.peers.filter(each => !textsOf(attached.setup['peers']).includes(each))) {
    try {
      attached.connect(peer)
    } catch (error) {
      options.onWarning(reasonOf(error))
    }
  }
  return { kind: 'window', hosted: attached, others: () => attached.others, close: () => attached.close() }
}

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter(each => typeof each === 'string') : []

/** As the process before was started, and with the peers that were named here. */
function setupOf(
  { setup }: Attached,
  options: OpenRoomOptions,
): Pick<OpenRoomOptions, 'peers' | 'isDiscovering'> & Partial<Pick<OpenRoomOptions, 'listen'>> {
  const { peers, listen, isDiscovering } = setup
  return {
    peers: [...new Set([...textsOf(peers), ...options.peers])],
    isDiscovering: isDiscovering === true,
    ...(typeof listen === 'string' && { listen }),
  }
}
