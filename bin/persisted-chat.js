#!/usr/bin/env node
import { enableCompileCache } from '../dist/src/cli/compile-cache.js'

enableCompileCache()
await import('../dist/src/cli/main.js')
