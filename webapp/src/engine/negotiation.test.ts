import { beforeEach, describe, expect, it } from 'vitest';

import { answerTimeoutMs, type Description, Negotiation } from './negotiation';
import { FakePeer, FakeTimers, settle } from './testing';

let peer: FakePeer;
let timers: FakeTimers;
let sent: Description[];
let failures: unknown[];
let socketUp: boolean;
let negotiation: Negotiation;
let rests: number;

beforeEach(() => {
  rests = 0;
  peer = new FakePeer();
  timers = new FakeTimers();
  sent = [];
  failures = [];
  socketUp = true;
  negotiation = new Negotiation(peer as unknown as RTCPeerConnection, timers, {
    answered: () => undefined,
    settled: () => {
      rests++;
    },
    send: (description) => {
      if (socketUp) {
        sent.push(description);
      }
      return socketUp;
    },
    failed: (error) => failures.push(error),
  });
});

const wire = () => sent.map(({ type, sdp }) => (type === 'offer' ? sdp : type));

/** Brings the peer to stable after its first offer. */
async function connected(): Promise<void> {
  peer.change();
  await settle();
  await negotiation.description({ type: 'answer', sdp: 'a' });
  sent.length = 0;
}

describe('without collision', () => {
  it('offers when asked, and takes the answer', async () => {
    peer.change();
    await settle();
    expect(wire()).toEqual(['offer 1']);
    await negotiation.description({ type: 'answer', sdp: 'a' });
    expect(peer.signalingState).toBe('stable');
    expect(failures).toEqual([]);
  });

  it("answers the server's offers one after another", async () => {
    await connected();
    void negotiation.description({ type: 'offer', sdp: 'one' });
    await negotiation.description({ type: 'offer', sdp: 'two' });
    expect(sent).toEqual([
      { type: 'answer', sdp: 'answer to one' },
      { type: 'answer', sdp: 'answer to two' },
    ]);
  });
});

describe('glare', () => {
  it("gives way: takes its offer back, answers the server's, then offers again", async () => {
    await connected();
    peer.change();
    await settle();
    expect(wire()).toEqual(['offer 2']);

    // The server had sent this before our offer arrived, and discards our offer.
    await negotiation.description({ type: 'offer', sdp: 'server' });
    await settle();
    expect(peer.log).toEqual(['rolled back', 'answered']);
    expect(wire()).toEqual(['offer 2', 'answer', 'offer 3']);

    await negotiation.description({ type: 'answer', sdp: 'a' });
    expect(peer.signalingState).toBe('stable');
    await settle();
    expect(wire()).toHaveLength(3);
    expect(failures).toEqual([]);
  });

  it('remembers what it was asked to offer, though the browser does not ask again', async () => {
    await connected();
    negotiation.negotiate();
    await settle();
    await negotiation.description({ type: 'offer', sdp: 'server' });
    expect(wire()).toEqual(['offer 2', 'answer', 'offer 3']);
    negotiation.negotiate();
    await negotiation.description({ type: 'answer', sdp: 'a' });
    await settle();
    // The second wish came after the offer was made.
    expect(wire()).toEqual(['offer 2', 'answer', 'offer 3', 'offer 4']);
    await negotiation.description({ type: 'answer', sdp: 'a' });
    await settle();
    expect(wire()).toHaveLength(4);
  });

  it('does not offer into an offer of the server that is being answered', async () => {
    await connected();
    const answering = negotiation.description({ type: 'offer', sdp: 'server' });
    peer.change();
    await answering;
    await settle();
    expect(wire()).toEqual(['answer', 'offer 2']);
  });

  it('ignores the answer to an offer that it took back', async () => {
    await connected();
    peer.change();
    await settle();
    const first = negotiation.description({ type: 'offer', sdp: 'server' });
    const late = negotiation.description({ type: 'answer', sdp: 'late' });
    await first;
    await late;
    expect(failures).toEqual([]);
    expect(peer.log).toEqual(['rolled back', 'answered']);
  });
});

describe('losses', () => {
  it('sends an offer again that got no answer in time, and rests once it is answered', async () => {
    peer.change();
    await settle();
    await timers.advance(answerTimeoutMs);
    expect(wire()).toEqual(['offer 1', 'offer 1']);
    expect(rests).toBe(0);
    await negotiation.description({ type: 'answer', sdp: 'a' });
    await timers.advance(10 * answerTimeoutMs);
    expect(wire()).toHaveLength(2);
    expect(rests).toBe(1);
  });

  it('sends an answer when the socket is back, if there was none to send it on', async () => {
    await connected();
    socketUp = false;
    await negotiation.description({ type: 'offer', sdp: 'server' });
    expect(sent).toEqual([]);
    socketUp = true;
    await negotiation.resend();
    expect(sent).toEqual([{ type: 'answer', sdp: 'answer to server' }]);
    await negotiation.resend();
    expect(sent).toHaveLength(1);
  });

  it('does nothing after its end', async () => {
    peer.change();
    await settle();
    negotiation.close();
    await negotiation.description({ type: 'offer', sdp: 'server' });
    await timers.advance(10 * answerTimeoutMs);
    expect(wire()).toEqual(['offer 1']);
  });
});

describe('candidates', () => {
  it('keeps those that come before the first description', async () => {
    peer.change();
    await negotiation.candidate({ candidate: 'early' });
    expect(peer.candidates).toEqual([]);
    await negotiation.description({ type: 'answer', sdp: 'a' });
    await negotiation.candidate({ candidate: 'late' });
    expect(peer.candidates).toEqual([{ candidate: 'early' }, { candidate: 'late' }]);
    expect(failures).toEqual([]);
  });

  it('tells what the browser refuses, and goes on', async () => {
    await connected();
    peer.addIceCandidate = () => Promise.reject(new Error('bad candidate'));
    await negotiation.candidate({ candidate: 'x' });
    expect(failures).toHaveLength(1);
    await negotiation.description({ type: 'offer', sdp: 'server' });
    expect(wire()).toEqual(['answer']);
  });
});

it('takes its offer back by word where the browser will not do it by itself', async () => {
  // Chromium does so when both sides give one header extension's number to different extensions.
  const take = peer.setRemoteDescription.bind(peer);
  peer.setRemoteDescription = async (description) => {
    if (description.type === 'offer' && peer.signalingState === 'have-local-offer') {
      throw new Error('RTP extension ID reassignment not supported');
    }
    await take(description);
  };
  const put = peer.setLocalDescription.bind(peer);
  const asked: (string | undefined)[] = [];
  Object.assign(peer, {
    setLocalDescription: async (description?: { type: string }) => {
      asked.push(description?.type);
      if (description?.type === 'rollback') {
        peer.signalingState = 'stable';
        return;
      }
      await put();
    },
  });
  peer.change();
  await settle();
  await negotiation.description({ type: 'offer', sdp: 'theirs' });
  await settle();
  expect(asked).toEqual([undefined, 'rollback', undefined, undefined]);
  expect(sent.map((d) => d.type)).toEqual(['offer', 'answer', 'offer']);
  expect(failures).toEqual([]);
});
