import { KEPT } from './kept.js'
import type { Results } from './results.js'
import { figure, markdownTable } from './table.js'

export const CHART = `${KEPT}/chart.svg`

const BLOCK = /(<!-- figures -->\n).*(<!-- end of figures -->)/s

/** The README with the figures of these results, or with none. */
export const withFigures = (readme: string, results: Results | undefined): string =>
  readme.replace(BLOCK, (_, begin: string, end: string) => `${begin}${results ? figures(results) : ''}${end}`)

const figures = (results: Results): string => `
![The figures of the table below, as a picture](${CHART})

${markdownTable(results)}

${source(results)}

`

/** When, of what and on what it was measured. */
function source({ time, commit, versions, machine, rows }: Results): string {
  const runs = Math.min(...rows.flatMap(row => Object.values(row.runs).map(({ length }) => length)))
  const { cpu, cores, memoryGiB, node, system, disk, syncMs } = machine
  const others = `scuttleup ${versions.scuttleup} on level 7, hypercore ${versions.hypercore}`
  return [
    `Medians of ${runs} runs, ${time.slice(0, 10)}, commit ${commit}, against ${others}.`,
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}; ${disk}, on which a sync takes ${figure(syncMs)} ms.`,
  ].join('\n')
}
