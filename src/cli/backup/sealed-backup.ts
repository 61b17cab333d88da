import { sealFile } from '../../base/crypto/sealed-file.js'
import { systemRandom } from '../../base/random.js'
import type { Home } from '../../node/paths.js'
import { encodeBackup } from './backup-content.js'
import { contentOf } from './home-content.js'
import { rehearse } from './restored-home.js'

/** A backup of a home as bytes, after a trial restore of its content has succeeded. The node may be running. Rejects with a ChatError. */
export async function sealedBackup(home: Home, passphrase: string): Promise<Uint8Array> {
  const content = await contentOf(home)
  await rehearse(content)
  return sealFile(encodeBackup(content), passphrase, systemRandom)
}
