// Says how large what browsers load is, as gzip sends it, and fails when the part that every user of Mattermost loads at start is larger than it may be.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const mostAtStart = 60_000;

const dist = fileURLToPath(new URL('dist/', import.meta.url));
const size = (file) => gzipSync(readFileSync(dist + file), { level: 9 }).length;
const inWords = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const start = size('main.js');
const parts = readdirSync(`${dist}public/assets`).map((name) => `${name} ${inWords(size(`public/assets/${name}`))}`);
console.log(`at start, for every user: main.js ${inWords(start)} of at most ${inWords(mostAtStart)} (gzip); with a call: ${parts.join(', ')}`);
if (start > mostAtStart) {
  console.error('the start bundle is too large: move what only people in a call need to src/incall');
  process.exit(1);
}
