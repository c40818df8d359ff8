// sbom.mjs MODULES FILE: completes the list of Go modules that cyclonedx-gomod made: with the plugin's version, the origin of the patched copies, and the
// packages that the web part brings to browsers.
import { readFileSync, writeFileSync } from 'node:fs';

const [, , modules, file] = process.argv;
const bom = JSON.parse(readFileSync(modules, 'utf8'));
const manifest = JSON.parse(readFileSync('plugin.json', 'utf8'));
const root = bom.metadata.component;
const oldRoot = root['bom-ref'];
Object.assign(root, { 'bom-ref': manifest.id, name: manifest.id, version: manifest.version, description: manifest.description });
delete root.purl;
for (const tool of bom.metadata.tools) delete tool.hashes; // of our own build of the tool, which differs from machine to machine

// Patched copies: to whoever looks for known vulnerabilities they are the module that they were copied from, plus a patch.
const goMod = readFileSync('go.mod', 'utf8');
const renamed = new Map([[oldRoot, manifest.id]]);
for (const [, name, dir] of goMod.matchAll(/^(?:replace)?\s*(\S+)(?: v\S+)? => (\.\/\S+)$/gm)) {
  const version = goMod.match(new RegExp(`^\\s*(?:require )?${name.replaceAll('.', '\\.')} (v\\S+)`, 'm'))?.[1];
  const copy = bom.components.find((c) => c.name === dir);
  if (!copy) continue; // not linked in
  if (!version) throw new Error(`go.mod requires no version of ${name}, which ${dir} replaces`);
  const purl = `pkg:golang/${name}@${version}`;
  renamed.set(copy['bom-ref'], purl);
  delete copy.hashes;
  Object.assign(copy, { 'bom-ref': purl, name, version, purl });
  copy.pedigree = { patches: [{ type: 'backport' }], notes: `a patched copy, ${dir.slice(2)} in the source: third_party/README.md says what and why` };
}

const lock = JSON.parse(readFileSync('webapp/package-lock.json', 'utf8'));
const web = [];
for (const [path, p] of Object.entries(lock.packages)) {
  if (path === '' || p.dev || p.optional) continue;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purl = `pkg:npm/${name.replace('@', '%40')}@${p.version}`;
  const hash = Buffer.from(p.integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  bom.components.push({
    'bom-ref': purl, type: 'library', name, version: p.version, scope: 'required',
    hashes: [{ alg: 'SHA-512', content: hash }], licenses: [{ expression: p.license }], purl,
  });
  web.push(purl);
}

const nameOf = (ref) => renamed.get(ref) ?? ref;
for (const d of bom.dependencies) {
  d.ref = nameOf(d.ref);
  d.dependsOn = d.dependsOn?.map(nameOf);
  if (d.ref === manifest.id) d.dependsOn.push(...web);
}
bom.dependencies.push(...web.map((ref) => ({ ref })));
for (const c of bom.compositions ?? []) {
  for (const part of ['assemblies', 'dependencies']) if (c[part]) c[part] = c[part].map(nameOf);
}
const known = new Set([manifest.id, ...bom.components.map((c) => c['bom-ref'])]);
for (const d of bom.dependencies) {
  for (const ref of [d.ref, ...(d.dependsOn ?? [])]) if (!known.has(ref)) throw new Error(`${ref} is depended on but not listed`);
}
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
