// Clients of other generations, written after the wire protocol alone. This file runs in a page of the host, signed in, with simple-peer loaded where it is wanted.
//   new Calls.SimplePeerClient(channelID)     the web client of 2022: simple-peer, a channel without a word on it, a new line for each share
//   new Calls.RTCPeerClient(channelID, {…})   later ones: the browser's own roll-back, pings, with or without the lock
// Options: noCandidates (what the server trickles is not looked at), limit (ms in which it must be connected).
(() => {
  const prefix = 'custom_com.mattermost.calls_';
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** MessagePack, as far as a frame with a description needs it. */
  function pack(value) {
    const text = (s) => {
      const bytes = new TextEncoder().encode(s);
      return [...(bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]), ...bytes];
    };
    if (typeof value === 'string') {
      return text(value);
    }
    if (typeof value === 'number') {
      return value < 128 ? [value] : [0xcd, value >> 8, value & 255];
    }
    if (value instanceof Uint8Array) {
      return [0xc5, value.length >> 8, value.length & 255, ...value];
    }
    return [0x80 | Object.keys(value).length, ...Object.entries(value).flatMap(([k, v]) => [...text(k), ...pack(v)])];
  }

  async function zlib(text) {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** The socket of a call: frames in their order, and a way back when it is lost. */
  class Socket {
    constructor(channelID, onEvent, onEnd) {
      Object.assign(this, { channelID, onEvent, onEnd, seq: 1, last: -1, id: '', original: '', order: Promise.resolve(), over: false, lostAt: 0, wait: 1000 });
      this.open();
    }

    open() {
      const url = `${location.origin.replace('http', 'ws')}/api/v4/websocket?connection_id=${this.id}&sequence_number=${this.id ? this.last + 1 : 0}`;
      this.ws = new WebSocket(url);
      this.ws.onopen = () => {
        if (this.original) {
          this.wait = 1000;
          this.lostAt = 0;
          this.send('reconnect', { channelID: this.channelID, originalConnID: this.original, prevConnID: this.id });
        }
      };
      this.ws.onmessage = ({ data }) => this.receive(JSON.parse(data));
      this.ws.onclose = () => this.lost();
    }

    receive(message) {
      if (typeof message.seq === 'number') {
        this.last = message.seq;
      }
      if (message.event === 'hello') {
        this.id = message.data.connection_id;
        if (!this.original) {
          this.original = this.id;
          this.send('join', { channelID: this.channelID, title: '' });
        }
      } else if (message.event?.startsWith(prefix) && [this.id, this.original].includes(message.data.connID)) {
        this.onEvent(message.event.slice(prefix.length), message.data);
      }
    }

    lost() {
      if (this.over) {
        return;
      }
      this.lostAt ||= Date.now();
      if (Date.now() - this.lostAt > 30_000) {
        this.onEnd('the socket was lost for too long');
        return;
      }
      setTimeout(() => this.over || this.open(), this.wait);
      this.wait += 500;
    }

    /** Compression takes a moment, and nothing may overtake what waits for it. */
    send(name, data = {}) {
      this.order = this.order.then(() => this.ws.readyState === WebSocket.OPEN && this.ws.send(JSON.stringify({ action: prefix + name, seq: this.seq++, data })));
    }

    sendDescription(description) {
      this.order = this.order.then(async () => {
        const data = await zlib(JSON.stringify(description));
        this.ws.send(new Uint8Array(pack({ action: `${prefix}sdp`, seq: this.seq++, data: { data } })));
      });
    }

    async close() {
      this.over = true;
      await this.order;
      this.ws.close();
    }
  }

  class Client {
    constructor(channelID, options = {}) {
      Object.assign(this, { channelID, options, ended: '', log: [], screens: [], sharing: null, voiceAdded: false, muted: true, events: [] });
    }

    note(...words) {
      this.log.push(`${Math.round(performance.now())} ${words.join(' ')}`);
    }

    async join() {
      const config = await (await fetch('/plugins/com.mattermost.calls/config')).json();
      this.servers = config.ICEServersConfigs;
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
      this.voice = this.microphone.getAudioTracks()[0];
      this.watchMain();
      const connected = new Promise((resolve, reject) => {
        this.onConnect = resolve;
        this.onFail = reject;
      });
      const begin = performance.now();
      this.socket = new Socket(this.channelID, (name, data) => this.event(name, data), (why) => this.end(why));
      if (this.options.limit) {
        setTimeout(() => this.onFail(new Error(`not connected after ${this.options.limit} ms: ${this.log.join('; ')}`)), this.options.limit);
      }
      await connected;
      return performance.now() - begin;
    }

    /** The web app's own socket, on which all that is for everybody comes. */
    watchMain() {
      this.main = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v4/websocket`);
      this.main.onmessage = ({ data }) => {
        const { event, data: body, broadcast } = JSON.parse(data);
        if (event?.startsWith(prefix) && broadcast?.channel_id === this.channelID) {
          this.events.push([event.slice(prefix.length), body]);
        }
      };
    }

    event(name, data) {
      if (name === 'join') {
        this.note('joined');
        this.connect();
      } else if (name === 'error') {
        this.end(`error: ${data.data}`);
      } else if (name === 'signal') {
        const signal = JSON.parse(data.data);
        this.note('got', signal.type, signal.sdp ? `${signal.sdp.length} bytes, ${signal.sdp.match(/^m=/gm).length} lines` : '');
        if (!['offer', 'answer', 'candidate'].includes(signal.type) || (signal.type === 'candidate' && this.options.noCandidates)) {
          return;
        }
        this.signal(signal);
      }
    }

    end(why) {
      if (!this.ended) {
        this.ended = why;
        this.note('ended:', why);
        this.onFail?.(new Error(`${why}: ${this.log.join('; ')}`));
        void this.socket.close();
        this.main.close();
      }
    }

    /** A stream with sound is somebody's voice, one with a picture only is the screen. */
    play(stream) {
      if (stream.getAudioTracks().length > 0) {
        const audio = Object.assign(document.createElement('audio'), { autoplay: true, srcObject: stream });
        document.body.append(audio);
        return;
      }
      const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, srcObject: stream });
      document.body.append(video);
      this.screens.push(video);
    }

    unmute() {
      this.muted = false;
      this.socket.send('unmute');
      return this.sendVoice();
    }

    mute() {
      this.muted = true;
      this.stopVoice();
      this.socket.send('mute');
    }

    hand(up) {
      this.socket.send(up ? 'raise_hand' : 'unraise_hand');
    }

    async share() {
      this.sharing = await navigator.mediaDevices.getDisplayMedia({ video: true });
      this.socket.send('screen_on', { data: JSON.stringify({ screenStreamID: this.sharing.id }) });
      await this.sendScreen(this.sharing);
    }

    async unshare() {
      const stream = this.sharing;
      this.sharing = null;
      stream?.getTracks().forEach((track) => track.stop());
      await this.stopScreen(stream);
      this.socket.send('screen_off');
    }

    async leave() {
      this.socket.send('leave');
      await this.socket.order;
      this.end('left');
      this.hangUp();
    }

    async counts() {
      const counts = { in: 0, energy: 0, out: 0, frames: 0, width: 0, lost: 0, framesOut: 0, lines: 0 };
      const pc = this.pc;
      for (const s of (await pc.getStats()).values()) {
        if (s.type === 'inbound-rtp' && s.kind === 'audio') {
          counts.in += s.packetsReceived;
          counts.lost += s.packetsLost;
          counts.energy += s.totalAudioEnergy ?? 0;
        } else if (s.type === 'inbound-rtp') {
          counts.frames += s.framesDecoded ?? 0;
          counts.width = Math.max(counts.width, s.frameWidth ?? 0);
        } else if (s.type === 'outbound-rtp' && s.kind === 'audio') {
          counts.out += s.packetsSent;
        } else if (s.type === 'outbound-rtp') {
          counts.framesOut += s.framesEncoded ?? 0;
        }
      }
      counts.lines = pc.getTransceivers().length;
      return counts;
    }
  }

  class SimplePeerClient extends Client {
    connect() {
      const limit = (sdp) => sdp.replace(/(m=video[^\r\n]*\r\n(?:i=[^\r\n]*\r\n)?c=[^\r\n]*\r\n)(?!b=)/g, '$1b=AS:1000\r\n');
      this.limitVideo = limit;
      this.peer = new window.SimplePeer({ initiator: true, trickle: true, config: { iceServers: this.servers ?? [] } });
      this.pc = this.peer._pc;
      this.peer.on('signal', (signal) => {
        if (signal.type === 'offer' || signal.type === 'answer') {
          this.note('sends', signal.type);
          this.socket.sendDescription(signal);
        } else if (signal.type === 'candidate') {
          this.socket.send('ice', { data: JSON.stringify(signal.candidate) });
        }
      });
      this.peer.on('stream', (stream) => this.play(stream));
      this.peer.on('connect', () => {
        this.note('connected');
        this.onConnect();
      });
      this.peer.on('error', (error) => this.end(`${error.code}: ${error.message}`));
      this.peer.on('close', () => this.end('the peer closed'));
      if (this.options.voiceAtOnce) {
        this.voiceAdded = true;
        this.peer.addStream(this.microphone);
      }
    }

    signal(signal) {
      if (!this.peer.destroyed) {
        this.peer.signal(JSON.stringify(signal.sdp ? { ...signal, sdp: this.limitVideo(signal.sdp) } : signal));
      }
    }

    sendVoice() {
      if (this.voiceAdded) {
        this.peer.replaceTrack(this.voice, this.voice, this.microphone);
      } else {
        this.voiceAdded = true;
        this.peer.addStream(this.microphone);
      }
    }

    stopVoice() {
      if (this.voiceAdded) {
        this.peer.replaceTrack(this.voice, null, this.microphone);
      }
    }

    sendScreen(stream) {
      this.peer.addStream(stream);
    }

    stopScreen() {} // its line is left as it is; the next share gets another

    hangUp() {
      this.peer.destroy();
    }
  }

  class RTCPeerClient extends Client {
    connect() {
      const pc = new RTCPeerConnection({ iceServers: this.servers ?? [] });
      this.pc = pc;
      this.early = [];
      this.queue = Promise.resolve();
      this.pings = 0;
      this.pongs = 0;
      this.channel = pc.createDataChannel('calls-dc');
      this.channel.binaryType = 'arraybuffer';
      this.channel.onmessage = ({ data }) => this.told(data);
      pc.onicecandidate = ({ candidate }) => candidate && this.socket.send('ice', { data: JSON.stringify(candidate) });
      pc.onnegotiationneeded = async () => {
        try {
          await pc.setLocalDescription();
          this.note('sends', pc.localDescription.type);
          this.socket.sendDescription(pc.localDescription);
        } catch (error) {
          this.note('offer:', error.message);
        }
      };
      pc.onconnectionstatechange = () => {
        this.note(pc.connectionState);
        if (pc.connectionState === 'connected') {
          this.pinging = setInterval(() => this.ping(), 1000);
          this.onConnect();
        } else if (['failed', 'closed'].includes(pc.connectionState)) {
          this.end(`connection ${pc.connectionState}`);
        }
      };
      const known = new Set();
      pc.ontrack = ({ streams: [stream] }) => {
        if (!known.has(stream.id)) {
          known.add(stream.id);
          this.play(stream);
        }
      };
    }

    ping() {
      if (this.channel.readyState === 'open') {
        this.pings++;
        this.channel.send(this.options.textPings ? 'ping' : new Uint8Array([1]));
      }
    }

    told(data) {
      if (data === 'pong') {
        this.pongs++;
        return;
      }
      if (typeof data === 'string') {
        return;
      }
      const bytes = new Uint8Array(data);
      const [type, rest] = bytes[0] === 0xcc ? [bytes[1], bytes.subarray(2)] : [bytes[0], bytes.subarray(1)];
      if (type === 2) {
        this.pongs++;
      } else if (type === 7) {
        this.granted?.(rest[0] === 0xc3);
      }
    }

    /** Asks for the lock until it is given, for 5 seconds. */
    async lock() {
      if (!this.options.lock) {
        return;
      }
      for (const end = performance.now() + 5000; performance.now() < end; await pause(50)) {
        const answer = new Promise((resolve) => {
          this.granted = resolve;
        });
        this.channel.send(new Uint8Array([7]));
        if (await Promise.race([answer, pause(1000)])) {
          this.note('lock');
          return;
        }
      }
      this.end('no lock within 5 s');
      throw new Error('no lock');
    }

    unlock() {
      if (this.channel.readyState === 'open' && !this.options.textPings) {
        this.channel.send(new Uint8Array([8]));
      }
    }

    signal(signal) {
      this.queue = this.queue.then(() => this.apply(signal)).catch((error) => this.note(`${signal.type}: ${error.message}`));
    }

    async apply(signal) {
      const { pc } = this;
      if (signal.type === 'candidate') {
        return pc.remoteDescription ? pc.addIceCandidate(signal.candidate) : void this.early.push(signal.candidate);
      }
      if (signal.type === 'offer' && pc.signalingState !== 'stable') {
        this.note('rolls back');
      }
      await pc.setRemoteDescription(signal);
      for (const candidate of this.early.splice(0)) {
        await pc.addIceCandidate(candidate);
      }
      if (signal.type === 'offer') {
        await pc.setLocalDescription();
        this.note('sends answer');
        this.socket.sendDescription(pc.localDescription);
      } else if (this.answered) {
        this.unlock();
      }
      this.answered = true;
    }

    async sendVoice() {
      if (this.sender) {
        return this.sender.replaceTrack(this.voice);
      }
      this.sender = true;
      await this.lock();
      this.sender = this.pc.addTrack(this.voice, this.microphone);
      if (this.muted) {
        await this.sender.replaceTrack(null);
      }
      return undefined;
    }

    stopVoice() {
      return this.sender?.replaceTrack?.(null);
    }

    async sendScreen(stream) {
      await this.lock();
      this.screenSender = this.pc.addTrack(stream.getVideoTracks()[0], stream);
    }

    async stopScreen() {
      if (this.screenSender) {
        const sender = this.screenSender;
        this.screenSender = null;
        await this.lock();
        this.pc.removeTrack(sender);
      }
    }

    hangUp() {
      clearInterval(this.pinging);
      this.pc.close();
    }
  }

  window.Calls = { SimplePeerClient, RTCPeerClient };
})();
