// Takes docs/call-page.png: three people, one shares the screen, one talks. Needs a running host, as the tests do.
import { fileURLToPath } from 'node:url';

import { launch } from './lib/browser.mjs';
import { Person } from './lib/person.mjs';
import { pause, until } from './lib/until.mjs';

const path = fileURLToPath(new URL('../../docs/call-page.png', import.meta.url));
const browser = await launch();
try {
  const people = await Promise.all(['alice', 'bob', 'carol'].map((name) => Person.arrive(browser, name)));
  const [alice, bob, carol] = people;
  await Promise.all(people.map((p) => p.open('public')));
  for (const person of people) {
    await person.join();
  }
  await carol.unmute();
  await bob.toggleScreen();
  await until('alice sees the screen', async () => (await alice.screen())?.width === 1280, 30_000);
  await alice.sees(carol, { talking: true }, 20_000);
  await pause(500); // the ring of a talker fades in
  await alice.screenshot('call-page', { path });
  await Promise.all(people.map((p) => p.leave()));
} finally {
  await browser.close();
}
