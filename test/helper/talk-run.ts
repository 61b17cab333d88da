// Runs schedules of talk with a bug: `talk-run <bug | none> <seeds>`. Prints the first seed with a fault, and the fault.
import { register } from 'node:module'
import { TALK_BUGS } from '../chat/talk-bugs.js'

const [name = '', seeds = ''] = process.argv.slice(2)
const bug = TALK_BUGS.find(each => each.name === name)
if (bug === undefined && name !== 'none') throw new Error(`no such bug: ${name}`)
if (bug !== undefined) register('./mutation-hooks.js', import.meta.url, { data: bug })
const { talkFault } = await import('./talk-world.js')

let found: object = {}
for (let seed = 1; seed <= Number(seeds) && !('seed' in found); seed++) {
  const fault = await talkFault(seed)
  if (fault !== undefined) found = { seed, fault }
}
console.log(JSON.stringify(found))
