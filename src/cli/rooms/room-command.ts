import { createInterface } from 'node:readline/promises'
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { keyPairOf, SEED_BYTES } from '../../base/crypto/signing.js'
import { ChatError } from '../../base/errors.js'
import { systemRandom } from '../../base/random.js'
import { hexOf } from '../../base/wire/bytes.js'
import { info } from '../../ui/lines/output.js'
import { DONE } from '../exit-code.js'
import { requestNode } from './node-request.js'
import { printJson, type RoomFlags } from './output.js'

export interface NewRoomFlags extends RoomFlags {
  readonly closed?: boolean
  readonly rescue: boolean
}

/** `persisted-chat room new <me> <room>`: founds a private room. The rescue words are printed once and stored nowhere. */
export async function newRoom(me: string, room: string, { data, json, closed, rescue }: NewRoomFlags): Promise<number> {
  const seed = rescue ? systemRandom.bytes(SEED_BYTES) : undefined
  const words = seed && entropyToMnemonic(Uint8Array.from(seed), wordlist)
  const command = {
    do: 'room-new',
    name: room,
    isClosed: closed ?? false,
    ...(seed !== undefined && { rescue: hexOf(keyPairOf(seed).publicKey) }),
  }
  await requestNode(me, data, command, item => {
    if (json) return printJson({ ...item, ...(words !== undefined && { rescue: words }) })
    info(`founded the private room ${room}: persisted-chat invite ${me} ${room} invites somebody`)
    if (words === undefined) return
    info(
      'if your key is ever lost or stolen, these words take the room over. They are shown only now, and stored nowhere:',
    )
    const all = words.split(' ')
    for (let at = 0; at < all.length; at += 6) info(`  ${all.slice(at, at + 6).join(' ')}`)
  })
  return DONE
}

/** `persisted-chat room rescue <me> <room>`: takes a room over from its founder with the rescue words. */
export async function rescueRoom(me: string, room: string, { data, json }: RoomFlags): Promise<number> {
  const input = createInterface({ input: process.stdin, output: process.stderr })
  const words = (await input.question('the 24 rescue words: ')).trim().toLowerCase().split(/\s+/).join(' ')
  input.close()
  let seed: Uint8Array
  try {
    seed = mnemonicToEntropy(words, wordlist)
  } catch {
    throw new ChatError('BAD_USAGE', 'these are not 24 rescue words', {
      hint: 'Type them in the order in which they were printed.',
    })
  }
  await requestNode(me, data, { do: 'rescue', room, seed: hexOf(seed) }, item => {
    if (json) printJson(item)
    else info(`you are an admin of ${room} now, above all others; its founder is out`)
  })
  return DONE
}
