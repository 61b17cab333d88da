/** Which messages ring in a room: every line of others, mentions of the user and answers to them, or none. */
export const NOTIFY_LEVELS = ['all', 'mentions', 'none'] as const

export type NotifyLevel = (typeof NOTIFY_LEVELS)[number]

export const isNotifyLevel = (value: unknown): value is NotifyLevel => NOTIFY_LEVELS.some(level => level === value)
