// Takes the pictures in docs/ of the web client's main states. Needs a running host, as the tests do.
import { fileURLToPath } from 'node:url';

import { configure } from './lib/admin.mjs';
import { launch } from './lib/browser.mjs';
import { Member } from './lib/member.mjs';
import { Person } from './lib/person.mjs';
import { pause, until } from './lib/until.mjs';

const path = (name) => fileURLToPath(new URL(`../../docs/${name}.png`, import.meta.url));

/** Runs in each page: somebody who has called in this browser before. */
function knowsCalls() {
  localStorage.setItem('calls_settings', JSON.stringify({ checked: true }));
}

/** A person, or another Kind, whose browser has seen calls before. */
async function arrive(Kind, browser, name, options = {}) {
  const person = await Kind.arrive(browser, name, options);
  await person.window.addInitScript(knowsCalls);
  return person;
}

/** Runs in the sharer's page: shares a page of notes instead of the test pattern of the fake screen. All after the capture is as always. */
function shareNotes() {
  const lines = ['Release notes, draft', '', '• One actor for each call, each person and each voice', '• A fault in one voice costs nobody else a packet', '• Joins from the apps that people already have', '', 'Open: who writes the part on limits?'];
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const pen = canvas.getContext('2d');
    const draw = () => {
      pen.fillStyle = '#fbfaf6';
      pen.fillRect(0, 0, 1280, 720);
      lines.forEach((line, i) => {
        pen.fillStyle = i === 0 ? '#1c58d9' : '#2b2f3a';
        pen.font = i === 0 ? 'bold 52px sans-serif' : '34px sans-serif';
        pen.fillText(line, 90, 140 + i * 76);
      });
    };
    draw();
    setInterval(draw, 100); // a canvas sends frames only while it is drawn on
    return canvas.captureStream(10);
  };
}

/** In the host: the channel before joining, then with the widget and the list of people; light and dark. */
async function inTheHost(browser) {
  const people = await Promise.all(['alice', 'bob', 'carol'].map((name) => arrive(Member, browser, name)));
  const [alice, bob, carol] = people;
  await Promise.all(people.map((p) => p.open('public')));
  await bob.join();
  await carol.join();
  await until('alice can join', async () => (await alice.kind()) === 'join');
  await pause(1500);
  await alice.page.screenshot({ path: path('channel-join') });
  await alice.join();
  await carol.raiseHand();
  await bob.unmute();
  await alice.sees(bob, { talking: true }, 20_000);
  await alice.page.getByRole('button', { name: /^More about Bob/ }).click();
  await pause(2500);
  await alice.page.screenshot({ path: path('channel-in-call') });
  await alice.page.getByTestId('theme').selectOption('onyx');
  await pause(500);
  await alice.page.screenshot({ path: path('channel-in-call-dark') });
  await alice.closePanel();
  await bob.react('clap');
  const { page: large } = await alice.expand();
  await large.setViewportSize({ width: 1100, height: 720 });
  await pause(1000);
  await large.screenshot({ path: path('call-grid') });
  await Promise.all(people.map((p) => p.close()));
}

/** The call page: the check before joining, and a shared screen with somebody who talks. */
async function onThePage(browser) {
  const people = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => arrive(Person, browser, name)));
  const [alice, bob, carol, dave] = people;
  await bob.page.addInitScript(shareNotes);
  await Promise.all(people.map((p) => p.open('public')));
  await alice.page.getByTestId('check-open').click();
  await pause(2000);
  await alice.page.screenshot({ path: path('call-check') });
  for (const person of [bob, alice, carol, dave]) {
    await person.join();
  }
  await carol.unmute();
  await bob.toggleScreen();
  await until('alice sees the screen', async () => (await alice.screen())?.width === 1280, 30_000);
  await alice.sees(carol, { talking: true }, 20_000);
  await pause(3000); // the picture gets sharp, the ring of the talker fades in
  await alice.page.screenshot({ path: path('call-page') });
  await alice.page.getByTestId('connection').click();
  await pause(2500);
  await alice.page.screenshot({ path: path('call-connection') });
  await Promise.all(people.map((p) => p.close()));
}

/** A call that rings, beside what one is doing; and the call page on a phone's width. */
async function ringingAndNarrow(browser) {
  await configure({ enableringing: true });
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => arrive(Member, browser, name)));
  await Promise.all([alice.open('public'), bob.open('direct')]);
  await bob.join();
  await alice.page.getByTestId('ringing').waitFor();
  await alice.page.screenshot({ path: path('channel-ringing') });
  await Promise.all([alice.close(), bob.close()]);
  await configure({ enableringing: false });

  const phone = await arrive(Person, browser, 'alice', { viewport: { width: 360, height: 720 } });
  const dave = await arrive(Person, browser, 'dave');
  await Promise.all([phone.open('public'), dave.open('public')]);
  await dave.join();
  await phone.join();
  await dave.unmute();
  await phone.sees(dave, { talking: true }, 20_000);
  await phone.page.screenshot({ path: path('call-narrow') });
  await phone.close();
  const pocket = await arrive(Member, browser, 'alice', { viewport: { width: 360, height: 720 } });
  await pocket.open('public');
  await pocket.join();
  await until('dave talks', async () => /Dave/.test(await pocket.page.getByTestId('talker').textContent()), 20_000);
  await pocket.page.screenshot({ path: path('channel-narrow') });
  await Promise.all([pocket.close(), dave.close()]);
}

const browser = await launch();
try {
  await inTheHost(browser);
  await onThePage(browser);
  await ringingAndNarrow(browser);
} finally {
  await browser.close();
}
