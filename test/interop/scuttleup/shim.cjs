// What the scuttleup packages lack on Node 20, and nothing more: `node -r ./shim.cjs persisted-chat.cjs`.
//
// lookup-multicast-dns/global puts its own (host, family, callback) in the place of dns.lookup. Node 20's net.connect calls
// it with (host, { family, hints, all: true }, callback) and expects a list. Loading it here first lets its replacement be
// wrapped: the program's own require then finds it loaded and leaves the wrapper where it is.
const dns = require('node:dns')
require('lookup-multicast-dns/global')
const lookup = dns.lookup

dns.lookup = (host, options, callback) => {
  if (!host.endsWith('.local')) return lookup(host, options, callback) // handed on to Node's own as it is
  lookup(host, options.family === 6 ? 6 : 4, (error, address, family) => {
    if (error) callback(error)
    else if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  })
}
