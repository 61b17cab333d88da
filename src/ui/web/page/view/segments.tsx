import type { JSX } from 'preact'
import type { Segment } from '../../protocol/rows.js'

/** Text of others, as text nodes. A link is shown with its host; the page fetches nothing from it. */
export const Segments = ({ segments }: { readonly segments: readonly Segment[] }): JSX.Element => (
  <>
    {segments.map(segment => {
      if (segment.kind === 'text') return segment.text
      if (segment.kind === 'mention')
        return <span class={segment.isOwn ? 'mention is-own' : 'mention'}>{segment.text}</span>
      return (
        <>
          <a href={segment.url} target="_blank" rel="noopener noreferrer" dir="ltr">
            {segment.text}
          </a>
          {!segment.text.includes(segment.host) && <span class="host"> ({segment.host})</span>}
        </>
      )
    })}
  </>
)
