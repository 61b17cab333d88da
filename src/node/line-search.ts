import type { Clock } from '../base/clock.js'
import { ChatError } from '../base/errors.js'
import { LineLabels } from '../chat/line-labels.js'
import type { AuthorId } from '../log/format/author.js'
import type { Log } from '../log/log.js'
import { OPERATORS, parseQuery, type Query, type QueryFault } from '../search/query.js'
import { type FoundLine, Search, type SearchedRoom, type SearchOptions } from '../search/search.js'
import { type IndexProgress, WordIndex } from '../search/word-index.js'
import { fold } from '../search/words.js'
import type { Erasures } from './erasures.js'
import type { Pins } from './people/pins.js'
import type { Counted } from './private-rooms/chat-places.js'
import type { StoredLabels } from './stored-labels.js'

export interface LineSearchParts {
  readonly log: Log
  readonly clock: Clock
  /** Filters the entries that are shown. Default: all. */
  readonly counted?: Counted | undefined
  readonly labels?: StoredLabels | undefined
  readonly erasures?: Erasures | undefined
  readonly pins?: Pick<Pins, 'all'> | undefined
}

/** Searches the lines of a room, and maintains the word index that makes searching fast. */
export class LineSearch {
  readonly #parts: LineSearchParts
  readonly #index: WordIndex

  constructor(parts: LineSearchParts) {
    this.#parts = parts
    this.#index = new WordIndex(parts.log, parts.clock)
  }

  /** How many of the places that can be indexed are indexed. */
  progress(): Promise<IndexProgress> {
    return this.#index.progress()
  }

  /** Resolves when everything that is stored is indexed. */
  indexed(): Promise<void> {
    return this.#index.build()
  }

  close(): void {
    this.#index.close()
  }

  /** The lines that match a query, newest first. Rejects if the log cannot be read. */
  async *lines(query: Query, options?: SearchOptions): AsyncGenerator<FoundLine> {
    const { erasures } = this.#parts
    await erasures?.caughtUp() // `Erasures` finds the edits of lines
    await this.#index.readable()
    yield* new Search(this.#searched, query, options).lines()
  }

  get #searched(): SearchedRoom {
    const { log, counted = entries => entries, erasures, labels, pins } = this.#parts
    return {
      log,
      counted,
      editsOf: async place => erasures?.editsOf(place) ?? [],
      cover: async entries => labels?.cover(entries),
      labels: labels?.labels ?? new LineLabels(),
      keysNamed: (name): readonly AuthorId[] => {
        const bound = pins?.all.filter(pin => fold(pin.name) === name).map(({ key }) => key) ?? []
        return name === 'me' ? [...bound, log.author] : bound
      },
    }
  }
}

/** Parses a query. Throws BAD_USAGE. */
export function queryIn(text: string, now: number): Query {
  const query = parseQuery(text, now)
  if ('fault' in query) throw faultError(query)
  return query
}

function faultError({ fault, word }: QueryFault): ChatError {
  switch (fault) {
    case 'empty':
      return new ChatError('BAD_USAGE', 'nothing to search for', {
        hint: 'For example: from:bob since:mon "apple pie" -raisins in:all',
      })
    case 'unknown-operator':
      return new ChatError('BAD_USAGE', `there is no search operator ${word}:`, {
        hint: `The operators are ${OPERATORS.map(name => `${name}:`).join(', ')}. To search for the text itself, put it in quotes.`,
      })
    case 'no-value':
      return new ChatError('BAD_USAGE', `${word}: needs a value`)
    case 'no-time':
      return new ChatError('BAD_USAGE', `${word} is not a time`, {
        hint: 'Times are 14:00, 2026-11-21, mon, yesterday, 2h (ago) and 3d (ago).',
      })
  }
}
