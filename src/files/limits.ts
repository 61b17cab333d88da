// Limits of files, specified for other implementations in docs/protocol/files.md.

/** Bytes of a chunk: each is requested and verified alone. */
export const CHUNK_BYTES = 64 * 1024

/** Hashes in one page of the tree, and pages of one file: a page and the list of pages have at most 32 KiB. */
export const PAGE_HASHES_MAX = 1024

/** Largest file: 64 GiB. */
export const FILE_BYTES_MAX = PAGE_HASHES_MAX * PAGE_HASHES_MAX * CHUNK_BYTES

/** Longest name of a file in a line, in bytes of UTF-8: the limit of most file systems. */
export const FILE_NAME_BYTES_MAX = 255

/** Requests that one side may have unanswered on a channel. */
export const FILE_REQUESTS_MAX = 16
