import type { Person, Row } from '../../src/ui/web/protocol/rows.js'
import { ALICE, BOB, CAROL, DAYS, idOf, keyOf, lineRow, NOON, orderOf } from './page-rows.js'

export const STRANGER: Person = { name: 'dave (4d1f20e7)', key: keyOf('4d1f'), isKnown: false, isOwn: false }

const WORDS = 'the boat leaves at nine if the wind holds and nobody has forgotten the bread again'.split(' ')

/** The `index`th row of a long history: lines of two people, of different lengths, with a few reactions and answers. */
export function longRow(index: number): Row {
  const author = Math.floor(index / 7) % 3 === 0 ? BOB : CAROL
  const length = 2 + ((index * 7_919) % 40)
  const text = Array.from({ length }, (_, word) => WORDS[(index + word * 5) % WORDS.length]).join(' ')
  return lineRow(index, author, `${index}: ${text}`, {
    at: NOON + index * 1_000,
    day: `day ${Math.floor(index / 2_000)}`,
    ...(index % 11 === 0 ? { reactions: [{ emoji: '👍', count: 2, isOwn: false, names: ['bob', 'carol'] }] } : {}),
    ...(index % 13 === 0 && index > 0 ? { about: { id: idOf(index - 1), text: 'bob “the line above”' } } : {}),
  })
}

const LONG_WORD = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2)

/** One row of each kind, and what strains the layout. */
export const SHOWCASE: readonly Row[] = [
  {
    kind: 'gap',
    id: idOf(0),
    order: orderOf(0),
    at: NOON,
    day: DAYS[0],
    count: 12,
    state: 'expired',
    text: '12 older entries are not kept in this room',
  },
  lineRow(1, BOB, 'Good morning. The build on the new machine is green.'),
  lineRow(2, BOB, 'I have put the notes of yesterday into the room, so that nobody needs to ask again.', {
    reactions: [
      { emoji: '👍', count: 3, isOwn: true, names: ['alice', 'carol', 'dave (4d1f20e7)'] },
      { emoji: '🎉', count: 1, isOwn: false, names: ['carol'] },
    ],
  }),
  lineRow(3, ALICE, 'Thanks! Shall we meet at noon?', {
    delivery: { text: 'delivered to 2 of 3 peers', isDelivered: true },
  }),
  lineRow(4, CAROL, 'Noon is fine. @alice, can you bring the adapter?', {
    isMention: true,
    segments: [
      { kind: 'text', text: 'Noon is fine. ' },
      { kind: 'mention', text: '@alice', isOwn: true },
      { kind: 'text', text: ', can you bring the adapter?' },
    ],
    about: { id: idOf(3), text: 'alice a3 “Thanks! Shall we meet at noon?”' },
  }),
  lineRow(5, CAROL, 'opens a window', { form: 'action' }),
  {
    kind: 'change',
    id: idOf(6),
    order: orderOf(6),
    at: NOON + 240_000,
    day: DAYS[0],
    author: BOB,
    text: 'changed the topic to “Release on Friday”',
  },
  lineRow(
    7,
    STRANGER,
    'The paper is at https://example.org/a/very/long/path/that/does/not/end?with=parameters&and=more and here.',
    {
      segments: [
        { kind: 'text', text: 'The paper is at ' },
        {
          kind: 'link',
          text: 'https://example.org/a/very/long/path/that/does/not/end?with=parameters&and=more',
          url: 'https://example.org/',
          host: 'example.org',
        },
        { kind: 'text', text: ' and here.' },
      ],
    },
  ),
  lineRow(8, { ...CAROL, name: 'a person whose name is much longer than any column (3c9d3c9d)' }, LONG_WORD),
  lineRow(9, BOB, 'שלום לכולם, נפגשים מחר בצהריים ליד הנמל?', { day: DAYS[1] }),
  lineRow(10, BOB, 'Two rows:\nfirst\n    second, indented', { day: DAYS[1], isEdited: true }),
  lineRow(11, CAROL, '', {
    day: DAYS[1],
    form: 'file',
    segments: [],
    file: { name: 'harbour plan.pdf', bytes: 1_234_567, size: '1.2 MB', isPicture: false, isShownUnasked: false },
  }),
  lineRow(12, BOB, 'So many reactions', {
    day: DAYS[1],
    reactions: [
      '👍',
      '❤️',
      '😂',
      '🎉',
      '😮',
      '😢',
      '🙏',
      '👀',
      '✅',
      '❌',
      '🔥',
      '🤔',
      '👏',
      '🚀',
      '☕',
      '👋',
      'very-long-text-as-emoji',
    ].map((emoji, at) => ({
      emoji,
      count: at * 3 + 1,
      isOwn: at % 5 === 0,
      names: ['bob', 'carol'],
    })),
  }),
  {
    kind: 'gap',
    id: idOf(13),
    order: orderOf(13),
    at: NOON + 600_000,
    day: DAYS[1],
    count: 3,
    state: 'deleted',
    text: '3 entries deleted',
  },
  lineRow(14, STRANGER, 'A long text of a stranger begins here and is folded.', {
    day: DAYS[1],
    isFolded: true,
    isLate: true,
  }),
  lineRow(15, ALICE, 'I am on my way.', {
    day: DAYS[1],
    delivery: { text: 'not delivered yet: it will be sent on the next connection', isDelivered: false },
  }),
]
