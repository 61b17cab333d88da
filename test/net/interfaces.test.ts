import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import test from 'node:test'
import { interfaceOf, isHeardAt, type LocalInterface, usableInterfaces } from '../../src/net/lan/mdns/interfaces.js'

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

test('every IPv4 address is usable, loopback included, with the IPv6 addresses beside it that need no zone', () => {
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

test('a machine without interfaces has none that are usable', () => {
  assert.deepEqual(usableInterfaces({}), [])
})

test('what this system says of its interfaces can be read', () => {
  for (const each of usableInterfaces(networkInterfaces())) {
    const source = each.family === 'IPv4' ? each.address : `${each.address}%${each.name}`
    assert.equal(interfaceOf(source, [each]), each)
  }
})

test('a source belongs to the interface whose subnet it is in, and to none otherwise', () => {
  assert.equal(interfaceOf('192.168.1.77', [lo, eth0]), eth0)
  assert.equal(interfaceOf('127.8.8.8', [lo, eth0]), lo)
  for (const stranger of ['192.168.2.1', '8.8.8.8', '::1', 'fe80::1', '', 'nonsense', '192.168.1.256']) {
    assert.equal(interfaceOf(stranger, [lo, eth0]), undefined, stranger)
  }
})

test('of two subnets that hold a source the narrower counts, and an own address is its own', () => {
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

test('an interface whose netmask says nothing hears only itself', () => {
  const odd = { ...eth0, netmask: '0.0.0.0' }
  assert.equal(interfaceOf('8.8.8.8', [odd]), undefined)
  assert.equal(interfaceOf('192.168.1.5', [odd]), odd)
})

test('a source with a zone belongs to the interface of that zone, and to no other', () => {
  const six: LocalInterface = { ...eth0, family: 'IPv6', address: 'fe80::5' }
  const other: LocalInterface = { ...six, name: 'wlan0' }
  assert.equal(interfaceOf('fe80::9%wlan0', [eth0, six, other]), other)
  assert.equal(interfaceOf('fe80::9%eth1', [eth0, six, other]), undefined)
})

test('who listens on one address is heard on its interface alone', () => {
  const six: LocalInterface = { ...eth0, family: 'IPv6', address: 'fe80::5' }
  const all = [lo, eth0, vpn, six]
  const heard = (host: string | undefined) => all.filter(at => isHeardAt(host, at)).map(({ address }) => address)
  for (const host of [undefined, '0.0.0.0', '::', 'alice.example']) assert.equal(heard(host).length, 4, host)
  for (const host of ['localhost', '127.0.0.1']) assert.deepEqual(heard(host), ['127.0.0.1'])
  assert.deepEqual(heard('192.168.1.5'), ['192.168.1.5'])
  assert.deepEqual(heard('fe80::5%eth0'), ['fe80::5'])
})
