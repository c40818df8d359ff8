// Builds dist/main.js, the one script that the Mattermost web app loads. It must be a classic script: the host adds it with a plain script element.
// The other build comes first: this one compiles in under which name the part for people in a call was written.
import { readdirSync } from 'node:fs';

import { defineConfig } from 'vite';

const file = readdirSync('dist/public/assets').find((name) => /^incall-.*\.js$/.test(name));
if (!file) {
  throw new Error('dist/public/assets has no incall-….js: run the build of vite.config.ts first');
}

export default defineConfig({
  publicDir: false,
  define: { __UI_FILE__: JSON.stringify(file), 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2020',
    cssTarget: ['chrome87', 'firefox78', 'safari14.1'],
    lib: { entry: 'src/index.ts', formats: ['iife'], name: 'mattermostCallsPlugin', fileName: () => 'main.js' },
  },
});
