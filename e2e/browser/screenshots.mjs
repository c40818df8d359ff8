// Takes docs/call-page.png: four people, one shares, one talks. Needs a running host, as the tests do.
import { fileURLToPath } from 'node:url';

import { launch } from './lib/browser.mjs';
import { Person } from './lib/person.mjs';
import { pause, until } from './lib/until.mjs';

const path = fileURLToPath(new URL('../../docs/call-page.png', import.meta.url));

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

const browser = await launch();
try {
  const people = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((name) => Person.arrive(browser, name)));
  const [alice, bob, carol, dave] = people;
  await bob.page.addInitScript(shareNotes);
  await Promise.all(people.map((p) => p.open('public')));
  for (const person of people) {
    await person.join();
  }
  await carol.unmute();
  await bob.toggleScreen();
  await until('alice sees the screen', async () => (await alice.screen())?.width === 1280, 30_000);
  await alice.sees(carol, { talking: true }, 20_000);
  await alice.sees(dave);
  await pause(3000); // the picture gets sharp, the ring of the talker fades in
  await alice.screenshot('call-page', { path });
  await Promise.all(people.map((p) => p.leave()));
} finally {
  await browser.close();
}
