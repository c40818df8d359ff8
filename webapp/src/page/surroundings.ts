/** What a call's store needs of where it runs. A browser's own objects are in browser.ts; tests hand in others. */
import type { Api } from '../engine/api';
import type { CallsClient } from '../engine/client';
import type { Env } from '../engine/env';
import type { Settings } from './settings';
import type { Sound } from './sounds';
import type { Devices } from './view';

export interface Surroundings {
  env: Env;
  api: Api;
  socketURL: string;
  channelID: string;
  /** Title of the call that a join may start, and the thread that it is to be in. */
  title?: string;
  threadID?: string;
  settings: { read(): Settings; write(settings: Settings): void };
  openMicrophone(settings: Settings): Promise<MediaStreamTrack>;
  /** With the computer's sound where that is wanted and can be had. */
  captureScreen(sound: boolean): Promise<MediaStream>;
  listDevices(): Promise<Devices>;
  play(sound: Sound, output: string): void;
  /** Calls back while there is a voice in the track; gives the function that stops it. */
  watchLevel(track: MediaStreamTrack, onVoice: () => void): () => void;
  /** Told of every new client, for those who look at the page from outside. */
  onClient(client: CallsClient): void;
}
