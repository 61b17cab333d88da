/** Which messages in a room notify the user: all lines of others; only mentions of the user and answers to the user; or none. */
export const NOTIFY_LEVELS = ['all', 'mentions', 'none'] as const

export type NotifyLevel = (typeof NOTIFY_LEVELS)[number]

export const isNotifyLevel = (value: unknown): value is NotifyLevel => NOTIFY_LEVELS.some(level => level === value)
