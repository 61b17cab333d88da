// Commands that people know from IRC and other chats.

const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  quit: ['exit', 'bye', 'logout'],
  who: ['names', 'users', 'online'],
  me: ['action'],
  nick: ['name', 'rename'],
  msg: ['dm', 'query', 'tell', 'whisper'],
  search: ['find', 'grep'],
  re: ['reply', 'answer'],
  jump: ['goto', 'context'],
  hide: ['ignore', 'mute', 'block'],
  unhide: ['unignore', 'unmute', 'unblock'],
  away: ['afk', 'brb'],
  connect: ['link', 'server'],
  disconnect: ['unlink'],
  join: ['j', 'channel', 'switch'],
  rooms: ['list', 'channels'],
  leave: ['part'],
  help: ['commands', '?'],
}

/** Aliases of commands, from other chat programs. */
export const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries(OTHER_NAMES).flatMap(([command, names]) => names.map(name => [name, command] as const)),
)

const MEMBERS = '/remove ends a membership of a private room; /hide hides a person from your view'

/** Advice for commands of other chat programs that do not exist here. */
export const ADVICE: ReadonlyMap<string, string> = new Map([
  ...['kick', 'ban', 'op', 'mode'].map(verb => [verb, MEMBERS] as const),
  ['clear', 'Ctrl-L clears the screen'],
  ['notice', 'only plain lines and /me exist'],
  ['version', 'persisted-chat version prints it'],
  ['ping', '/peers lists who is connected'],
  ['set', 'options are set at the start: see persisted-chat --help'],
])
