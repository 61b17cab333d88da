#!/usr/bin/env node
import { enableCompileCache } from '../dist/program/cli/compile-cache.js'

enableCompileCache()
await import('../dist/program/cli/main.js')
