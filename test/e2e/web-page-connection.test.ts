// The page after its connection was lost or refused.
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { noChromium } from '../helper/chromium.js'
import { closeBrowser, openPage } from '../helper/open-page.js'
import { ALICE, lineRow } from '../helper/page-rows.js'

after(closeBrowser)

test('reconnects, and shows lines that arrived meanwhile', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t)
  await page.locator('.composer textarea').fill('a draft')
  server.refuse(true)
  server.cut()
  await page.getByText('persisted-chat web has not answered').waitFor()
  server.add([lineRow(40, ALICE, 'said in another face')])
  server.refuse(false)
  await page.getByText('said in another face').first().waitFor()
  await page.getByRole('alert').waitFor({ state: 'hidden' })
  assert.equal(await page.locator('.composer textarea').inputValue(), 'a draft')
})

test('keeps a line whose request was lost until the user decides', {
  skip: noChromium,
}, async t => {
  const { page, server } = await openPage(t)
  server.answersNothing = true
  await page.locator('.composer textarea').fill('was this stored?')
  await page.keyboard.press('Enter')
  await server.asked('say')
  server.answersNothing = false
  server.cut()
  await page.getByText('The connection ended while this was sent').waitFor()
  await page.getByRole('button', { name: 'Send again' }).click({ timeout: 20_000 })
  await page.locator('.unsure').waitFor({ state: 'detached' })
  await server.asked('say', 2)
})

test('does not offer to resend a line that was stored before the connection was lost', {
  skip: noChromium,
}, async t => {
  const { page, server } = await openPage(t)
  server.answersNothing = true
  await page.locator('.composer textarea').fill('this was stored')
  await page.keyboard.press('Enter')
  await server.asked('say')
  server.answersNothing = false
  server.add([lineRow(41, ALICE, 'this was stored', { at: Date.now() })])
  server.cut()
  await page.locator('.text', { hasText: 'this was stored' }).waitFor()
  await page.locator('.unsure').waitFor({ state: 'detached' })
})

test('shows a banner while the node does not answer', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t)
  server.send({ kind: 'node', node: { state: 'silent', text: 'the node has not answered since 14:03' } })
  await page.getByText('the node has not answered since 14:03').waitFor()
  server.send({ kind: 'node', node: { state: 'here', text: '' } })
  await page.getByText('the node has not answered since 14:03').waitFor({ state: 'hidden' })
})

test('asks for the address if the token is missing or wrong', { skip: noChromium }, async t => {
  const { page, server } = await openPage(t)
  assert.equal(new URL(page.url()).hash, '', 'the token stays in the address')
  await page.evaluate('sessionStorage.clear()')
  await page.reload()
  await page.getByRole('heading', { name: 'This page needs its whole address' }).waitFor()
  await page.getByLabel('Address').fill(server.address.replace(/#.*/, `#${'b'.repeat(43)}`))
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('heading', { name: 'This page needs its whole address' }).waitFor()
  await page.getByLabel('Address').fill(server.address)
  await page.getByRole('button', { name: 'Open' }).click()
  await page.locator('.row').first().waitFor()
})
