// Builds the call page. The host serves dist/public as static files under a path that depends on the site, so every URL is relative.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  publicDir: false,
  build: {
    outDir: 'dist/public',
    emptyOutDir: true,
    // Old desktop apps and iPads; not needed for anything in the code, but costs nothing.
    target: 'es2020',
    // The page's CSP forbids inline script, and with a handful of files there is nothing to preload.
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: { input: 'call.html' },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
