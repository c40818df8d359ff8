// The rules of WCAG 2.2 A and AA that axe-core can check by itself.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { until } from './until.mjs';

const source = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What breaks a rule in the parts of the page that are ours. */
export async function axe(page, root = '.calls-root') {
  if (!(await page.evaluate(() => 'axe' in window))) {
    // As a function call, not a script element: the call page's policy forbids those.
    await page.evaluate(readFileSync(source, 'utf8'));
  }
  // A colour on its way from one to another is neither. What moves for longer, as a level meter, moves on.
  const rests = () => page.evaluate(() => document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getTiming().iterations === Infinity));
  await until('nothing fades any more', rests, 1000).catch(() => undefined);
  return page.evaluate(async (selector) => {
    const { violations } = await window.axe.run({ include: [[selector]] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 5).map((n) => `${n.html.slice(0, 160)} :: ${n.failureSummary?.split('\n')[1] ?? ''}`) }));
  }, root);
}
