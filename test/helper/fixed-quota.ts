import type { LogId, Seq } from '../../src/log/format/author.js'
import type { StrangerQuota } from '../../src/log/stranger-quota.js'

/** A quota that lets each log of a stranger grow to the same size. */
export function fixedQuota(bytesMax: number): StrangerQuota {
  const stopped = new Map<LogId, Seq>()
  return {
    stopped,
    admit: log => (stopped.has(log) ? { kind: 'stopped' } : { kind: 'stored', bytesMax }),
    grew: () => [],
    resized: () => {},
    stop: (log, last) => {
      const isFirst = !stopped.has(log)
      stopped.set(log, Math.max(last, stopped.get(log) ?? 0))
      return isFirst
    },
    reset: () => [],
    record: () => undefined,
    onRecord: () => {},
    isStranger: () => true,
    isStopped: log => stopped.has(log),
    isResumed: () => false,
    companionsOf: () => [],
    isPassedOn: () => true,
    lift: log => void stopped.delete(log),
    onLifted: () => {},
    connected: () => () => {},
  }
}
