/** What the sentence for an event depends on besides the event. */
export interface EventContext {
  /** A path as the user gave it: the node may run in another directory. */
  readonly shownPath: (path: string) => string
}

/** Shows paths as they are. */
export const SAME_PATHS: EventContext = { shownPath: path => path }

/** The sentence for each kind of `Event`. */
export type Sentences<Event extends { readonly kind: string }> = {
  readonly [K in Event['kind']]: (event: Extract<Event, { readonly kind: K }>, context: EventContext) => string
}
