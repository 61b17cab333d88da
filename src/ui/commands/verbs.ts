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
  ['j', 'join'],
  ['room', 'join'],
  ['channel', 'join'],
  ['switch', 'join'],
  ['list', 'rooms'],
  ['channels', 'rooms'],
  ['part', 'leave'],
  ['close', 'leave'],
  ['commands', 'help'],
  ['?', 'help'],
])

const MEMBERS = 'no one can be removed from an open room; /hide hides a person from your view'

/** What to do instead, for commands that do not exist here. */
export const ADVICE: ReadonlyMap<string, string> = new Map([
  ...['kick', 'ban', 'remove', 'op', 'mode', 'invite'].map(verb => [verb, MEMBERS] as const),
  ['clear', 'Ctrl-L clears the screen'],
  ['notice', 'only plain lines and /me exist'],
  ['version', 'persisted-chat version prints it'],
  ['ping', '/peers lists who is connected'],
  ['set', 'options are set at the start: see persisted-chat --help'],
  ['notify', 'the bell rings when someone mentions you; --no-bell turns it off'],
])
