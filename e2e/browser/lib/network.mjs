// A person's network, which can be taken away: requests, sockets and media. The browser's developer tools take away only the first (CDP's offline leaves open
// sockets and WebRTC alone), so the sockets go through the test, and the media through a relay of its own.
import { createSocket } from 'node:dgram';

/** Puts itself between a person's page and the host; to be called before open(). */
export async function networkOf(person) {
  const media = await relay();
  const sockets = new Set();
  let on = true;
  await person.page.routeWebSocket(/\/api\/v4\/websocket/, (page) => {
    if (!on) {
      page.close();
      return;
    }
    const server = page.connectToServer();
    server.onMessage((message) => on && page.send(media.redirect(message)));
    page.onMessage((message) => on && server.send(message));
    sockets.add(page);
  });
  const devtools = await person.window.newCDPSession(person.page);
  await devtools.send('Network.enable');
  const set = async (next) => {
    on = next;
    media.on = next;
    await devtools.send('Network.emulateNetworkConditions', { offline: !next, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    for (const socket of on ? [] : sockets) {
      sockets.delete(socket);
      await socket.close();
    }
  };
  return { off: () => set(false), on: () => set(true), passed: () => media.passed, close: () => media.close() };
}

/** A UDP relay: the server's candidates get its port, and everybody who sends to it gets a socket of their own towards the server. */
async function relay() {
  const front = createSocket('udp4');
  await new Promise((resolve) => front.bind(0, resolve));
  const { port } = front.address();
  const backs = new Map();
  let serverPort = 0;
  const media = {
    on: true,
    passed: 0,
    /** The same message, in which the server's media are at our port, and can be had over UDP only. */
    redirect: (message) => typeof message !== 'string' ? message : message.replace(/(candidate:\S+ \d+ )(\w+)( \d+ [\d.a-fA-F:]+ )(\d+)( typ host)/g, (whole, head, protocol, middle, at, tail) => {
      if (protocol.toLowerCase() !== 'udp') {
        return `${head}${protocol}${middle}9${tail}`;
      }
      serverPort = Number(at);
      return `${head}${protocol}${middle}${port}${tail}`;
    }),
    close: () => {
      front.close();
      backs.forEach((back) => back.close());
    },
  };
  front.on('message', (packet, { address, port: from }) => {
    const key = `${address}:${from}`;
    if (!backs.has(key)) {
      const back = createSocket('udp4');
      back.on('message', (answer) => media.on && front.send(answer, from, address));
      backs.set(key, back);
    }
    if (media.on) {
      media.passed++;
      backs.get(key).send(packet, serverPort, '127.0.0.1');
    }
  });
  return media;
}
