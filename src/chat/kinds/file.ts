import { isFileName, sentName } from '../../files/format/file-name.js'
import { type FileRoot, fileRootOf, isFileSize } from '../../files/format/hash-tree.js'
import { sizeText } from '../size-text.js'
import { defineKind } from './kind.js'

/** The author offers a file. Anybody can fetch its content from the peers that have it. */
export interface FileContent {
  readonly kind: 'file'
  /** The name that the author gave the file: `savedName` makes a path component of it. */
  readonly name: string
  readonly size: number
  readonly root: FileRoot
}

export type FileDraft = FileContent

export const FILE = defineKind<FileDraft, FileContent>({
  isLine: true,
  encode: ({ name, size, root }) => ({
    message: `sent ${sentName(name)} (${sizeText(size)})`,
    type: 'file',
    name: sentName(name),
    size,
    root,
  }),
  parse: ({ name, size, root }) => parsed(name, size, root),
  read: ({ name, size, root }) => parsed(name, size, root),
})

function parsed(name: unknown, size: unknown, root: unknown): FileContent | undefined {
  const found = fileRootOf(root)
  if (!isFileName(name) || !isFileSize(size) || found === undefined) return undefined
  return { kind: 'file', name, size, root: found }
}
