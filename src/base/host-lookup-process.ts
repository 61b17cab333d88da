// The child process in which `host-lookup.ts` resolves names, so that a lookup can be ended by killing the process.
import { lookup } from 'node:dns/promises'

process.on('message', (host: string) => {
  lookup(host, { all: true, verbatim: true }).then(
    addresses => process.send?.({ host, addresses }),
    (error: Error) => process.send?.({ host, reason: error.message }),
  )
})
// Ctrl-C signals every process of the terminal; this one ends when its parent disconnects.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
// An orderly exit would wait for pending lookups.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
