// Builds the call page, and the part of the web app's bundle that is loaded on demand. The host serves dist/public as static files under a path that depends
// on the site, so every URL is relative.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  publicDir: false,
  build: {
    outDir: 'dist/public',
    emptyOutDir: true,
    // Old desktop apps and iPads; not needed for anything in the code, but costs nothing.
    target: 'es2020',
    // The oldest that know left and right by the direction of the text. For older ones it would be guessed from the page's language.
    cssTarget: ['chrome87', 'firefox78', 'safari14.1'],
    // The page's CSP forbids inline script, and with a handful of files there is nothing to preload.
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: { input: { call: 'call.html', incall: 'src/incall/ui.tsx' }, preserveEntrySignatures: 'exports-only' },
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx'], environment: 'node' },
});
