/** What the browser measures of the connection, as the few facts that a person can use. Pure functions. */

export interface Facts {
  /** How the packets go: straight over UDP, over TCP, or through a relay. */
  readonly path: 'direct' | 'tcp' | 'relay' | 'unknown';
  readonly roundTripMs: number | null;
  /** Of the packets since the last look, in percent; null where nothing was sent or told. */
  readonly lostToServer: number | null;
  readonly lostToUs: number | null;
  readonly bufferedMs: number | null;
  readonly sendKbps: number;
  readonly receiveKbps: number;
  readonly screen: { readonly width: number; readonly height: number; readonly fps: number } | null;
}

/** The counters that the next look is compared with. */
export interface Counters {
  readonly at: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly received: number;
  readonly lost: number;
}

export type Stat = Readonly<Record<string, unknown>>;

export function readFacts(report: Iterable<Stat>, before: Counters | null, now: number): { facts: Facts; counters: Counters } {
  const stats = [...report];
  const sum = (type: string, field: string) => stats.filter((s) => s.type === type).reduce((total, s) => total + number(s[field]), 0);
  const counters: Counters = {
    at: now, sentBytes: sum('outbound-rtp', 'bytesSent'), receivedBytes: sum('inbound-rtp', 'bytesReceived'),
    received: sum('inbound-rtp', 'packetsReceived'), lost: sum('inbound-rtp', 'packetsLost'),
  };
  const seconds = before ? Math.max(0.001, (now - before.at) / 1000) : 0;
  const rate = (from: number, to: number) => (before ? Math.max(0, Math.round(((to - from) * 8) / 1000 / seconds)) : 0);
  const lost = before ? counters.lost - before.lost : 0;
  const expected = before ? counters.received - before.received + lost : 0;
  const remote = stats.filter((s) => s.type === 'remote-inbound-rtp' && typeof s.fractionLost === 'number');
  const pair = chosenPair(stats);
  const rtt = pair?.currentRoundTripTime;
  const facts: Facts = {
    path: pathOf(stats, pair),
    roundTripMs: typeof rtt === 'number' ? Math.round(rtt * 1000) : null,
    lostToServer: remote.length > 0 ? Math.max(...remote.map((s) => number(s.fractionLost))) * 100 : null,
    lostToUs: expected > 0 ? (Math.max(0, lost) / expected) * 100 : null,
    bufferedMs: bufferedMs(stats),
    sendKbps: rate(before?.sentBytes ?? 0, counters.sentBytes),
    receiveKbps: rate(before?.receivedBytes ?? 0, counters.receivedBytes),
    screen: screenOf(stats),
  };
  return { facts, counters };
}

function chosenPair(stats: readonly Stat[]): Stat | undefined {
  const transport = stats.find((s) => s.type === 'transport' && typeof s.selectedCandidatePairId === 'string');
  const pairs = stats.filter((s) => s.type === 'candidate-pair');
  // Firefox marks the pair itself.
  return pairs.find((s) => s.id === transport?.selectedCandidatePairId) ?? pairs.find((s) => s.selected === true || (s.nominated === true && s.state === 'succeeded'));
}

function pathOf(stats: readonly Stat[], pair: Stat | undefined): Facts['path'] {
  const local = stats.find((s) => s.id === pair?.localCandidateId);
  const remote = stats.find((s) => s.id === pair?.remoteCandidateId);
  if (!local) {
    return 'unknown';
  }
  if (local.candidateType === 'relay' || remote?.candidateType === 'relay') {
    return 'relay';
  }
  return local.protocol === 'tcp' ? 'tcp' : 'direct';
}

function bufferedMs(stats: readonly Stat[]): number | null {
  const waits = stats
    .filter((s) => s.type === 'inbound-rtp' && s.kind === 'audio' && number(s.jitterBufferEmittedCount) > 0)
    .map((s) => (number(s.jitterBufferDelay) / number(s.jitterBufferEmittedCount)) * 1000);
  return waits.length > 0 ? Math.round(Math.max(...waits)) : null;
}

function screenOf(stats: readonly Stat[]): Facts['screen'] {
  const video = stats.find((s) => s.type === 'inbound-rtp' && s.kind === 'video' && number(s.framesPerSecond) > 0);
  return video ? { width: number(video.frameWidth), height: number(video.frameHeight), fps: Math.round(number(video.framesPerSecond)) } : null;
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export type Quality = 'good' | 'fair' | 'poor';

/** Fair above 2 % lost or 250 ms, poor above 5 % or 500 ms. */
export function qualityOf(roundTripMs: number, lostPercent = 0): Quality {
  if (roundTripMs > 500 || lostPercent > 5) {
    return 'poor';
  }
  return roundTripMs > 250 || lostPercent > 2 ? 'fair' : 'good';
}

/** The worse of the two ways, in percent. Where what gets lost on the way to us is somebody else's doing, `theirs`, it says nothing of our network. */
export function lossOf(facts: Facts | null, theirs = false): number {
  return Math.max(facts?.lostToServer ?? 0, theirs ? 0 : (facts?.lostToUs ?? 0));
}
