// A whole chat on the scuttleup packages: the scuttleup peer of the interop tests.
// Its faults stay: they are the controls that show what the native program must not do.
//
//   node -r ./shim.cjs persisted-chat.cjs <me> [peer...]
//
// `me` and the peers are names (alice is alice.local and a hashed port) or, with a colon in them, addresses as they are.
// SCUTTLEUP_DATA names the database directory, SCUTTLEUP_USERNAME the name in its messages, if `me` is an address.
require('lookup-multicast-dns/global')
const topology = require('fully-connected-topology')
const scuttleup = require('scuttleup')
const level = require('level7')
const register = require('register-multicast-dns')
const toPort = require('hash-to-port')
const readline = require('node:readline')

const me = process.argv[2]
const peers = process.argv.slice(3)
const username = process.env.SCUTTLEUP_USERNAME || me

const logs = scuttleup(level(process.env.SCUTTLEUP_DATA || `${me}.db`))
const swarm = topology(toAddress(me), peers.map(toAddress))

if (!isAddress(me)) register(me)

// A test has to know when it can dial.
swarm.server.on('listening', () => console.log('info> listening as', swarm.me))

swarm.on('connection', (socket, id) => {
  console.log('info> direct connection to', id)
  socket.pipe(logs.createReplicationStream({ live: true })).pipe(socket)
})

logs.createReadStream({ live: true }).on('data', data => {
  const said = JSON.parse(data.entry)
  console.log(`${said.username}> ${said.message}`)
})

readline.createInterface({ input: process.stdin }).on('line', line => {
  logs.append(JSON.stringify({ username, message: line.trim() }))
})

function isAddress(name) {
  return name.includes(':')
}

function toAddress(name) {
  return isAddress(name) ? name : `${name}.local:${toPort(name)}`
}
