/** What the client remembers on this device: devices, switches, and how loud each person is to be. */

export interface Settings {
  /** Device ids; empty is the system's choice. */
  readonly input: string;
  readonly output: string;
  readonly autoGain: boolean;
  readonly echoCancellation: boolean;
  readonly noiseSuppression: boolean;
  readonly pushToTalk: boolean;
  /** Single keys on the call page, such as G and Space. */
  readonly singleKeys: boolean;
  readonly sounds: boolean;
  /** The computer's sound goes with a shared screen. */
  readonly shareSound: boolean;
  /** The check of microphone and speaker was seen in this browser, or waved away: it is offered no more. */
  readonly checked: boolean;
  /** In percent, by user id; a missing one is 100. */
  readonly volumes: Readonly<Record<string, number>>;
}

export const usualSettings: Settings = {
  input: '', output: '', autoGain: true, echoCancellation: true, noiseSuppression: true, pushToTalk: true, singleKeys: true, sounds: true, shareSound: true,
  checked: false, volumes: {},
};

/** Volumes that are remembered at most: who calls with thousands must not fill the browser's store. */
const mostVolumes = 500;

// The first two are the names under which other clients of Mattermost Calls look for them too.
const keys = { input: 'calls_default_audio_input', output: 'calls_default_audio_output', rest: 'calls_settings' };

type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Reads what was remembered; what has another shape than expected counts as never said. */
export function readSettings(store: Store | null): Settings {
  if (!store) {
    return usualSettings;
  }
  try {
    const raw: unknown = JSON.parse(store.getItem(keys.rest) ?? '{}');
    const known = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
    const flag = (name: keyof Settings) => (typeof known[name] === 'boolean' ? known[name] : usualSettings[name]) as boolean;
    return {
      input: deviceOf(store.getItem(keys.input)), output: deviceOf(store.getItem(keys.output)), volumes: volumesOf(known.volumes),
      autoGain: flag('autoGain'), echoCancellation: flag('echoCancellation'), noiseSuppression: flag('noiseSuppression'),
      pushToTalk: flag('pushToTalk'), singleKeys: flag('singleKeys'), sounds: flag('sounds'), shareSound: flag('shareSound'), checked: flag('checked'),
    };
  } catch {
    return usualSettings;
  }
}

/** A device's id. Newer clients keep it in an object, with the name that it had. */
function deviceOf(kept: string | null): string {
  if (!kept?.startsWith('{')) {
    return kept ?? '';
  }
  try {
    const { deviceId } = JSON.parse(kept) as { deviceId?: unknown };
    return typeof deviceId === 'string' ? deviceId : '';
  } catch {
    return '';
  }
}

export function writeSettings(store: Store | null, settings: Settings): void {
  const { input, output, ...rest } = settings;
  try {
    store?.setItem(keys.input, input);
    store?.setItem(keys.output, output);
    store?.setItem(keys.rest, JSON.stringify(rest));
  } catch {
    // A full or forbidden store costs only the memory.
  }
}

/** Settings with the volume of one person; 100 is forgotten, as it is what everybody has. */
export function withVolume(settings: Settings, userID: string, percent: number): Settings {
  const volume = Math.min(200, Math.max(0, Math.round(percent)));
  const others = Object.entries(settings.volumes).filter(([id]) => id !== userID);
  const volumes = Object.fromEntries([...others, ...(volume === 100 ? [] : [[userID, volume] as const])].slice(-mostVolumes));
  return { ...settings, volumes };
}

export function volumeOf(settings: Settings, userID: string): number {
  return settings.volumes[userID] ?? 100;
}

function volumesOf(raw: unknown): Record<string, number> {
  if (typeof raw !== 'object' || raw === null) {
    return {};
  }
  const valid = Object.entries(raw).filter(([, v]) => typeof v === 'number' && v >= 0 && v <= 200);
  return Object.fromEntries(valid.slice(-mostVolumes));
}
