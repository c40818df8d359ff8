// Builds the page's script, and React in the three versions that Mattermost's web app has had, of which the page loads one: a plugin must not care which.
import { copyFileSync, mkdirSync } from 'node:fs';

import { build } from 'vite';

const common = { configFile: false, publicDir: false, logLevel: 'warn', define: { 'process.env.NODE_ENV': '"production"' } };

async function script(entry, name, alias = {}) {
  await build({
    ...common,
    resolve: { alias },
    oxc: { jsx: { runtime: 'classic' } },
    build: { outDir: 'dist/shell', emptyOutDir: false, target: 'es2020', lib: { entry, formats: ['iife'], name: `calls_${name.replace('-', '')}`, fileName: () => `${name}.js` } },
  });
}

mkdirSync('dist/shell', { recursive: true });
for (const version of ['16', '17', '18']) {
  // react-dom asks for "react": it must get the one of its own version.
  await script('src/react.ts', `react-${version}`, { 'react-dom': `react-dom-${version}`, react: `react-${version}` });
}
await script('src/main.tsx', 'shell');
copyFileSync('root.html', 'dist/root.html');
copyFileSync('src/shell.css', 'dist/shell/shell.css');
