import { once } from 'node:events'
import level from 'level7'
import scuttleup from 'scuttleup'
import type { OpenContestant } from './contestant.js'

/** scuttleup 3.3 on level 7: unsigned, and not synced to disk. */
export const openScuttleup: OpenContestant = async directory => {
  const database = level(directory)
  await database.open()
  const log = scuttleup(database, { valueEncoding: 'utf-8' })
  await new Promise<void>(resolve => log.on('ready', resolve))
  return {
    append: (text, done) =>
      log.append(JSON.stringify({ username: 'bench', message: text }), error => {
        if (error) throw error
        done()
      }),
    readAll: async onEntry => {
      const stream = log.createReadStream({})
      stream.on('data', onEntry)
      await once(stream, 'end')
    },
    replicate: () => log.createReplicationStream({ live: true }),
    onStored: listener => log.on('append', () => listener(1)),
    close: () => database.close(),
  }
}
