// bundles.mjs: looks at what `make dist` left in dist as whoever gets it does: checksums, what each bundle holds and for which machines, and the list of its parts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('plugin.json', 'utf8'));
const { id, version } = manifest;
const platforms = Object.keys(manifest.server.executables);
const name = `${id}-${version}`;

/** The beginning of a program for a system: ELF, whose eighteenth byte is the machine, or Mach-O, whose fifth is. */
const heads = {
  'linux-amd64': [0x7f, 0x45, 0x4c, 0x46, 62], 'linux-arm64': [0x7f, 0x45, 0x4c, 0x46, 183], 'freebsd-amd64': [0x7f, 0x45, 0x4c, 0x46, 62],
  'darwin-amd64': [0xcf, 0xfa, 0xed, 0xfe, 7], 'darwin-arm64': [0xcf, 0xfa, 0xed, 0xfe, 12],
};

function bundle(file, wanted) {
  // A line of the list: mode, owner, size, date, time, name.
  const entries = execFileSync('tar', ['-tvzf', `dist/${file}`], { encoding: 'utf8' }).trim().split('\n').map((line) => line.split(/\s+/));
  const modes = new Map(entries.map((e) => [e.at(-1), e[0]]));
  const read = (path) => execFileSync('tar', ['-xzOf', `dist/${file}`, `${id}/${path}`], { maxBuffer: 1 << 28 });
  for (const path of modes.keys()) assert.ok(path.startsWith(`${id}/`) && !path.includes('..'), `${file}: ${path} is not in the plugin's folder`);
  for (const path of ['LICENSE', 'webapp/dist/main.js', 'public/call.html']) assert.ok(modes.has(`${id}/${path}`), `${file} has no ${path}`);
  const { server, ...rest } = JSON.parse(read('plugin.json'));
  const { server: all, ...same } = manifest;
  assert.deepEqual(rest, same, `${file}: its manifest is that of the source`);
  assert.deepEqual(server, { executables: Object.fromEntries(wanted.map((p) => [p, all.executables[p]])) }, `${file}: its manifest names its programs`);
  const programs = [...modes.keys()].filter((path) => path.startsWith(`${id}/server/dist/`) && !path.endsWith('/'));
  assert.deepEqual(programs.sort(), wanted.map((p) => `${id}/${all.executables[p]}`).sort(), `${file}: its programs`);
  for (const platform of wanted) {
    assert.equal(modes.get(`${id}/${all.executables[platform]}`), '-rwxr-xr-x', `${file}: the program for ${platform} can be run`);
    const head = read(all.executables[platform]).subarray(0, 20);
    assert.deepEqual([...head.subarray(0, 4), head[head[0] === 0x7f ? 18 : 4]], heads[platform], `${file}: the program for ${platform} is one`);
  }
}

function sbom(file) {
  const bom = JSON.parse(readFileSync(`dist/${file}`, 'utf8'));
  assert.equal(bom.bomFormat, 'CycloneDX');
  const { component } = bom.metadata;
  assert.deepEqual([component['bom-ref'], component.version], [id, version]);
  const refs = bom.components.map((c) => c['bom-ref']);
  assert.equal(new Set(refs).size, refs.length, 'each part once');
  for (const { purl, version: of } of bom.components) assert.ok(/^pkg:(golang|npm)\//.test(purl) && of, `what looks for vulnerabilities knows ${purl}`);
  // As the linker has it, so that nothing is left out; a patched copy stands there under its folder's name.
  const linked = execFileSync('go', ['version', '-m', 'dist/plugin-linux-amd64'], { encoding: 'utf8' });
  const modules = [...linked.matchAll(/^\tdep\t(\S+)/gm)].map(([, path]) => path);
  assert.ok(modules.length > 10);
  const named = new Set(bom.components.map((c) => c.purl.replace(/^pkg:golang\/|@.*/g, '').toLowerCase()));
  assert.deepEqual(modules.filter((m) => !named.has(m.toLowerCase())), [], 'every linked module is listed');
  for (const [path, p] of Object.entries(JSON.parse(readFileSync('webapp/package.json', 'utf8')).dependencies ?? {})) {
    assert.ok(bom.components.some((c) => c.name === path), `the web part's ${path}@${p} is listed`);
  }
  return refs.length;
}

const bundles = [[`${name}.tar.gz`, platforms], ...platforms.map((p) => [`${name}-${p}.tar.gz`, [p]])];
for (const [file, wanted] of bundles) bundle(file, wanted);
const parts = sbom(`${name}.cdx.json`);
execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: 'dist', stdio: 'inherit' });
const sums = readFileSync('dist/SHA256SUMS', 'utf8').trim().split('\n').map((line) => line.split(/\s+/)[1]);
const given = readdirSync('dist').filter((file) => file.startsWith(id));
assert.deepEqual(sums.sort(), given.sort(), 'every file has its checksum');
console.log(`${bundles.length} bundles of ${version}, ${parts} parts in the list of them`);
