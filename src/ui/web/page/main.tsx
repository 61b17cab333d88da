import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/list.css'
import './styles/composer.css'
import './styles/details.css'
import './styles/dialogs.css'
import { render } from 'preact'
import { Chat } from './model/chat.js'
import { applyTheme } from './model/theme.js'
import { tokenOfTab } from './model/token.js'
import { App } from './view/app.js'

applyTheme()
const root = document.getElementById('page')
if (root !== null) render(<App chat={new Chat(tokenOfTab())} />, root)
