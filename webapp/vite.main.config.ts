// Builds dist/main.js, the one script that the Mattermost web app loads. It must be a classic script: the host adds it with a plain script element.
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2020',
    lib: { entry: 'src/index.ts', formats: ['iife'], name: 'mattermostCallsPlugin', fileName: () => 'main.js' },
  },
});
