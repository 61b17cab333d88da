import { existsSync } from 'node:fs'
import { systemClock } from '../../base/clock.js'
import { ChatError } from '../../base/errors.js'
import { checkName } from '../../base/names.js'
import { sanitise, sanitisedJson } from '../../base/safe-text.js'
import { askNode } from '../../host/client/connect.js'
import { NodeLock } from '../../host/election.js'
import { holderOf, lockedError } from '../../host/holder.js'
import { NodeStore } from '../../host/server/node-store.js'
import { checkHome } from '../../node/home-guard.js'
import { homeOf } from '../../node/paths.js'
import { answerPeople, type PeopleRequest } from '../../node/people/people-request.js'
import { isPin, type Pin } from '../../node/people/pin.js'
import { Pins } from '../../node/people/pins.js'
import { declinedText } from '../../ui/commands/direct.js'
import { info, tell, writeLinesIfOpen } from '../../ui/lines/output.js'
import { pinRow } from '../../ui/people-text.js'
import { eventText } from '../../ui/text/event-text.js'
import { DONE } from '../exit-code.js'
import { requestNode } from '../rooms/node-request.js'
import { printJson } from '../rooms/output.js'

export interface PeopleOptions {
  readonly me: string
  readonly data: string
  readonly action: string | undefined
  readonly name: string | undefined
  readonly key: string | undefined
  readonly isJson: boolean
}

/**
 * `persisted-chat people <me>`: lists which key each name has. `accept` and `forget` change that, and `decline` drops a
 * message request. All of them also work while a node runs.
 */
export async function managePeople(options: PeopleOptions): Promise<number> {
  const request = options.action === 'decline' ? undefined : requestOf(options)
  const home = homeOf(options.data, options.me)
  await checkHome(home, event => tell(eventText(event)))
  if (!existsSync(home.keyFile))
    throw new ChatError('DATA_UNUSABLE', `there are no logs of ${options.me} in ${home.directory}`)
  if (request === undefined) return decline(options)
  const pins = await answer(options.me, home.directory, request)
  if (request.act === 'list' && pins.length === 0 && !options.isJson) info('no name is bound to a key yet')
  if (request.act === 'list' || options.isJson)
    await writeLinesIfOpen(process.stdout, pins.map(options.isJson ? jsonOf : rowOf))
  else for (const pin of pins) info(doneText(request, pin))
  return DONE
}

/** Drops the request of somebody who asks to talk, and their later requests. */
async function decline({ me, data, name, key: digits = '', isJson }: PeopleOptions): Promise<number> {
  if (name === undefined) throw new ChatError('BAD_USAGE', 'people decline needs a name')
  const command = { do: 'decline', who: checkName(name, `the name ${JSON.stringify(name)}`), digits }
  await requestNode(me, data, command, ({ key, name: called }) => {
    if (isJson) printJson({ declined: key, name: called })
    else info(declinedText(key, called))
  })
  return DONE
}

const rowOf = (pin: Pin): string => sanitise(pinRow(pin))

const jsonOf = ({ name, key, since, how, other }: Pin): string =>
  sanitisedJson({ name, key, since: new Date(since).toISOString(), how, ...(other !== undefined && { other }) })

const doneText = ({ act }: PeopleRequest, { name, key }: Pin): string =>
  act === 'forget' ? `${name} is no longer bound to a key` : `${name} is bound to the key ${key}`

function requestOf({ me, action, name, key }: PeopleOptions): PeopleRequest {
  if (action === undefined) return { act: 'list' }
  const isForget = action === 'forget'
  if ((!isForget && action !== 'accept') || (isForget && key !== undefined))
    throw new ChatError('BAD_USAGE', `people cannot ${action}${key !== undefined && isForget ? ' a key' : ''}`, {
      hint: `Try: persisted-chat people ${me} accept bob, or decline or forget in place of accept`,
    })
  if (name === undefined) throw new ChatError('BAD_USAGE', `people ${action} needs a name`)
  const checked = checkName(name, `the name ${JSON.stringify(name)}`)
  return isForget ? { act: 'forget', name: checked } : { act: 'accept', name: checked, key }
}

/** Asks the running node. If none runs, changes the node's database. Rejects with BAD_USAGE or LOG_LOCKED. */
async function answer(me: string, directory: string, request: PeopleRequest): Promise<readonly Pin[]> {
  const asked = await askNode({ me, directory }, 'people', request)
  if (asked !== undefined) {
    asked.close()
    const { pins } = asked.value
    return Array.isArray(pins) ? pins.filter(isPin) : []
  }
  const lock = await NodeLock.acquire(directory)
  if (lock === undefined) throw lockedError(directory, await holderOf(directory))
  try {
    const store = new NodeStore(lock.store)
    const [pins, requests] = await Promise.all([Pins.open(store), store.requests()])
    const asking = requests.map(each => ({ ...each, isKnown: pins.isKnown(each.key) }))
    const answered = answerPeople(pins, request, { now: systemClock.now(), authors: [], asking })
    await pins.saved()
    return answered
  } finally {
    await lock.release()
  }
}
