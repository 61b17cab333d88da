// Commands that people know from IRC and other chats.

/** Other names of commands. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ['exit', 'quit'],
  ['bye', 'quit'],
  ['logout', 'quit'],
  ['names', 'who'],
  ['users', 'who'],
  ['online', 'who'],
  ['action', 'me'],
  ['name', 'nick'],
  ['rename', 'nick'],
  ['dm', 'msg'],
  ['query', 'msg'],
  ['tell', 'msg'],
  ['whisper', 'msg'],
  ['find', 'search'],
  ['grep', 'search'],
  ['history', 'last'],
  ['ignore', 'hide'],
  ['mute', 'hide'],
  ['block', 'hide'],
  ['unignore', 'unhide'],
  ['unmute', 'unhide'],
  ['unblock', 'unhide'],
  ['afk', 'away'],
  ['brb', 'away'],
  ['link', 'connect'],
  ['server', 'connect'],
  ['unlink', 'disconnect'],
  ['commands', 'help'],
  ['?', 'help'],
])

const ROOMS = 'a room is chosen at the start, with --room'
const MEMBERS = 'no one can be removed from an open room; /hide hides a person from your view'

/** What to do instead, for commands that do not exist here. */
export const ADVICE: ReadonlyMap<string, string> = new Map([
  ...['join', 'j', 'rooms', 'room', 'list', 'channels', 'channel', 'switch'].map(verb => [verb, ROOMS] as const),
  ...['part', 'leave', 'close'].map(verb => [verb, `${ROOMS}; /quit leaves it`] as const),
  ...['kick', 'ban', 'remove', 'op', 'mode', 'invite'].map(verb => [verb, MEMBERS] as const),
  ['clear', 'Ctrl-L clears the screen'],
  ['notice', 'only plain lines and /me exist'],
  ['version', 'persisted-chat version prints it'],
  ['ping', '/peers lists who is connected'],
  ['set', 'options are set at the start: see persisted-chat --help'],
  ['notify', 'the bell rings when someone mentions you; --no-bell turns it off'],
])
