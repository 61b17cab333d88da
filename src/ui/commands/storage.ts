import { reasonOf } from '../../base/errors.js'
import { shortKey } from '../../chat/display-names.js'
import { authorOfLog } from '../../log/format/author.js'
import { writeExport } from '../export-file.js'
import { storedFaultText } from '../text/log-fault-text.js'
import { command, formatNumber } from './context.js'

export const verify = command({
  name: 'verify',
  argument: '',
  help: 'check every stored sequence, chain and signature',
  run: ({ session: { room, people }, runTask, tell, complain }) =>
    runTask('verifying', async ({ signal, onProgress }) => {
      const logs = room.heads.length
      let [entries, done] = [0, 0]
      let isSound = true
      for await (const { author, last, fault } of room.verify()) {
        if (signal.aborted) return
        entries += last
        done++
        onProgress(done, logs)
        if (fault === undefined) continue
        isSound = false
        const person = authorOfLog(author)
        complain(`${people.nameOf(person) ?? ''} ${shortKey(person)}: ${storedFaultText(fault)} at ${last + 1}`)
      }
      if (isSound)
        tell(
          `verified ${formatNumber(entries)} entries of ${logs} authors: every sequence, chain and signature is valid`,
        )
    }),
})

export const exportLogs = command({
  name: 'export',
  argument: 'file',
  help: 'write the signed logs to a file',
  run: async ({ session: { room }, tell, complain }, file) => {
    if (file === '' || file === '-') return complain('to which file? /export logs.chat')
    try {
      await writeExport(file, room.archive())
      tell(`exported the signed logs to ${file}; persisted-chat import merges them`)
    } catch (error) {
      complain(`${reasonOf(error)}. Choose another file.`)
    }
  },
})
