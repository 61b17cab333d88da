import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import test from 'node:test'
import { interfaceOf, isReachableAt, type LocalInterface, usableInterfaces } from '../../src/net/lan/mdns/interfaces.js'

const v4 = (address: string, netmask = '255.255.255.0') => ({ address, netmask, family: 'IPv4' })
const v6 = (address: string) => ({ address, netmask: 'ffff:ffff:ffff:ffff::', family: 'IPv6' })

const lo: LocalInterface = { name: 'lo', family: 'IPv4', address: '127.0.0.1', netmask: '255.0.0.0', ipv6: ['::1'] }
const eth0: LocalInterface = {
  name: 'eth0',
  family: 'IPv4',
  address: '192.168.1.5',
  netmask: '255.255.255.0',
  ipv6: ['fd00::5'],
}
const vpn: LocalInterface = {
  name: 'tun0',
  family: 'IPv4',
  address: '192.168.1.130',
  netmask: '255.255.255.128',
  ipv6: [],
}

test('uses every IPv4 address, with the global IPv6 addresses of its interface', () => {
  const found = usableInterfaces({
    lo: [v4('127.0.0.1', '255.0.0.0'), v6('::1')],
    eth0: [v6('fe80::1'), v4('192.168.1.5'), v6('fd00::5')],
    six: [v6('fd00::6')],
    odd: [v4('0.0.0.0'), v4('nonsense'), v4('192.168.1.5')],
    gone: undefined,
  })
  const onEth0 = {
    name: 'eth0',
    family: 'IPv6',
    address: 'fe80::1',
    netmask: 'ffff:ffff:ffff:ffff::',
    ipv6: ['fd00::5'],
  }
  assert.deepEqual(found, [lo, eth0, onEth0])
})

test('uses nothing on a machine without interfaces', () => {
  assert.deepEqual(usableInterfaces({}), [])
})

test('reads the interfaces of this machine', () => {
  for (const each of usableInterfaces(networkInterfaces())) {
    const source = each.family === 'IPv4' ? each.address : `${each.address}%${each.name}`
    assert.equal(interfaceOf(source, [each]), each)
  }
})

test('finds the interface whose subnet contains a source', () => {
  assert.equal(interfaceOf('192.168.1.77', [lo, eth0]), eth0)
  assert.equal(interfaceOf('127.8.8.8', [lo, eth0]), lo)
  for (const stranger of ['192.168.2.1', '8.8.8.8', '::1', 'fe80::1', '', 'nonsense', '192.168.1.256']) {
    assert.equal(interfaceOf(stranger, [lo, eth0]), undefined, stranger)
  }
})

test('prefers the narrower subnet, and an exact address', () => {
  for (const both of [
    [eth0, vpn],
    [vpn, eth0],
  ]) {
    assert.equal(interfaceOf('192.168.1.200', both), vpn)
    assert.equal(interfaceOf('192.168.1.20', both), eth0)
    assert.equal(interfaceOf('192.168.1.5', both), eth0)
  }
  const twin = { ...eth0, name: 'wlan0', address: '192.168.1.6' }
  assert.equal(interfaceOf('192.168.1.6', [eth0, twin]), twin)
})

test('an interface without a netmask receives only from itself', () => {
  const odd = { ...eth0, netmask: '0.0.0.0' }
  assert.equal(interfaceOf('8.8.8.8', [odd]), undefined)
  assert.equal(interfaceOf('192.168.1.5', [odd]), odd)
})

test('finds the interface of a source with a zone', () => {
  const six: LocalInterface = { ...eth0, family: 'IPv6', address: 'fe80::5' }
  const other: LocalInterface = { ...six, name: 'wlan0' }
  assert.equal(interfaceOf('fe80::9%wlan0', [eth0, six, other]), other)
  assert.equal(interfaceOf('fe80::9%eth1', [eth0, six, other]), undefined)
})

test('a listener on one address is reachable on its interface only', () => {
  const six: LocalInterface = { ...eth0, family: 'IPv6', address: 'fe80::5' }
  const all = [lo, eth0, vpn, six]
  const heard = (host: string | undefined) => all.filter(at => isReachableAt(host, at)).map(({ address }) => address)
  for (const host of [undefined, '0.0.0.0', '::', 'alice.example']) assert.equal(heard(host).length, 4, host)
  for (const host of ['localhost', '127.0.0.1']) assert.deepEqual(heard(host), ['127.0.0.1'])
  assert.deepEqual(heard('192.168.1.5'), ['192.168.1.5'])
  assert.deepEqual(heard('fe80::5%eth0'), ['fe80::5'])
})
