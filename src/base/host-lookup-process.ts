// The process in which `host-lookup.ts` asks the system: it can be killed while the system is still searching.
import { lookup } from 'node:dns/promises'

process.on('message', (host: string) => {
  lookup(host, { all: true, verbatim: true }).then(
    addresses => process.send?.({ host, addresses }),
    (error: Error) => process.send?.({ host, reason: error.message }),
  )
})
// Ctrl-C reaches everyone at the terminal; this process ends with the one that asks.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
// An orderly exit would wait for the system's answers.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
