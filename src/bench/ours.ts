import { Log } from '../log/log.js'
import type { OpenContestant } from './contestant.js'

/** This program: durable before it is acknowledged. */
export const openOurs: OpenContestant = async directory => {
  const log = await Log.open(directory)
  return {
    append: (text, done) => void log.append({ username: 'bench', message: text }).then(done),
    readAll: async onEntry => {
      for await (const entries of log.read()) for (const _ of entries) onEntry()
    },
    replicate: () => log.createReplicationStream({ live: true }),
    onStored: listener => {
      log.on('entries', ({ author, from, to }) => {
        if (author !== log.id) listener(to - from)
      })
    },
    close: () => log.close(),
  }
}
