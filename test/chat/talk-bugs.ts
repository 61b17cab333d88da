import type { Bug } from '../simulation/bugs.js'

/** Planted in the compiled code, one at a time. */
export const TALK_BUGS: readonly Pick<Bug, 'name' | 'file' | 'find' | 'replace'>[] = [
  {
    name: 'the edit that came last counts',
    file: 'chat/views/lines',
    find: '.sort((a, b) => (isLater(a, b) ? -1 : 1)).slice(0, EDITS_MAX)',
    replace: '.reverse().slice(0, EDITS_MAX)',
  },
  {
    name: 'the reaction that came last counts',
    file: 'chat/views/lines',
    find: 'if (before !== undefined && !isLater(message, before))',
    replace: 'if (false)',
  },
  {
    name: 'edits that come before their line are forgotten',
    file: 'chat/views/lines',
    find: 'noted.line = message;',
    replace: 'noted.line = message; noted.edits = [];',
  },
  {
    name: 'edits count as unread',
    file: 'chat/kinds/edit',
    find: 'isLine: false',
    replace: 'isLine: true',
  },
  {
    name: 'an erased line stays unread',
    file: 'chat/views/unread-count',
    find: "if (message.kind === 'delete')",
    replace: 'if (false)',
  },
  {
    name: 'an erasure leaves the edits of its line',
    file: 'node/erasures',
    find: 'if (edit !== undefined)',
    replace: 'if (false)',
  },
]
