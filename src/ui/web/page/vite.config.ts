import { defineConfig } from 'vite'

/** Builds the page into static files, without inline scripts or styles and without other hosts, so that its CSP needs no exceptions. */
export default defineConfig({
  base: './',
  logLevel: 'warn',
  publicDir: 'public',
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    outDir: '../../../../dist/program/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
