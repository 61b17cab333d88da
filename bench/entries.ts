const WORDS =
  'after again all and any are back because been before boat book but call came can come day did does done down each even find first from get give good great hand has have he help her here him his home how if in is it its just keep know last late like line little long look made make many me men more most much must my name new no not now of off old on one only or other our out over own part people place put read right road said same saw say see she should show side small so some soon still such take tell than that the them then there these they thing think this time to too two under up us very wait want was way we well went were what when where which who will wind with word work would year yes you your'.split(
    ' ',
  )

/** A chat line, the same in every run: with its JSON about 100 bytes. */
export function lineOf(index: number): string {
  let state = (index + 1) * 2_654_435_761
  let word = String(index)
  const words = [word]
  for (let length = word.length; length < 66; length += 1 + word.length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    word = WORDS[(state >>> 8) % WORDS.length] ?? ''
    words.push(word)
  }
  // Joined here: V8 flattens a concatenated string on first use, which would count as time of the contestant.
  return words.join(' ')
}

export const linesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => lineOf(index))

/** An entry as scuttleup chat writes it. Our log adds the clock itself. */
export const plainEntry = (message: string): string => JSON.stringify({ username: 'bench', message })
