/** How to write a keep setting, for usage messages. */
export const KEEP_USAGE = 'a time such as 90d, a size such as 500MB (16MB or more), or all'
