import type { JSX } from 'preact'
import type { DialogTask } from './use-task.js'

/** How far the task of a dialog has got, or why it failed. */
export const TaskStatus = ({ task }: { readonly task: DialogTask }): JSX.Element => (
  <div role="status">
    {task.progress !== '' && <p class="hint">{task.progress}</p>}
    {task.fault !== '' && <p class="fault">{task.fault}</p>}
  </div>
)
