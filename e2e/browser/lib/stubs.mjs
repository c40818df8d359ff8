// What a test page has instead of the real thing. Each of these runs in the page before anything else does.

/** The desktop app: two sources to choose from, which are canvases of 640 × 360 and 320 × 240. What was asked of the app is kept in window.askedOfApp. */
export function desktopApp() {
  const sizes = { 'window:1:0': [320, 240], 'screen:0:0': [640, 360] };
  window.desktop = { version: '5.4.0' };
  window.askedOfApp = [];
  const picture = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"/>';
  window.addEventListener('message', ({ data, origin }) => {
    if (data?.type === 'get-desktop-sources') {
      window.askedOfApp.push(data.message);
      const message = Object.keys(sizes).map((id) => ({ id, name: id.startsWith('screen') ? 'Entire screen' : 'Notes', thumbnailURL: picture }));
      window.postMessage({ type: 'desktop-sources-result', message }, origin);
    }
  });
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const { mandatory } = constraints.video ?? {};
    if (mandatory?.chromeMediaSource !== 'desktop') {
      return real(constraints);
    }
    const [width, height] = sizes[mandatory.chromeMediaSourceId];
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const pen = canvas.getContext('2d');
    let shade = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(shade += 20) % 360} 60% 50%)`;
      pen.fillRect(0, 0, width, height);
    }, 100);
    return canvas.captureStream(10);
  };
}

/** Keeps the stream that the page captures of the screen, in window.captured, to look at what the page does with it. */
export function keepCapture() {
  const devices = navigator.mediaDevices;
  const real = devices.getDisplayMedia.bind(devices);
  devices.getDisplayMedia = async (constraints) => {
    window.captured = await real(constraints);
    return window.captured;
  };
}

/** A screen to share where the browser has none without a display: a canvas of 640 × 360 that changes. All after the capture is as always. */
export function movingScreen() {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const pen = canvas.getContext('2d');
    let shade = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${(shade += 20) % 360} 60% 50%)`;
      pen.fillRect(0, 0, 640, 360);
    }, 100);
    return canvas.captureStream(10);
  };
}
