import './styles/tokens.css'
import { render } from 'preact'

const root = document.getElementById('page')
if (root !== null) render(<main>persisted-chat</main>, root)
