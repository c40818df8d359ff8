/** The part of the bundle that only people in a call need: loaded once, when the first of them needs it, and drawn into the places that the host gave. */
import type { UI } from '../incall/ui';

export class Loader {
  private ui: Promise<UI> | null = null;
  private now: UI | null = null;
  private readonly surfaces = new Map<HTMLElement, (() => void) | null>();

  constructor(
    private readonly load: () => Promise<UI>,
    private readonly failed: () => void,
  ) {}

  /** It, when it is there already. */
  get loaded(): UI | null {
    return this.now;
  }

  need(): Promise<UI> {
    this.ui ??= this.load().then((ui) => {
      this.now = ui;
      for (const element of this.surfaces.keys()) {
        this.surfaces.set(element, ui.mount(element));
      }
      return ui;
    });
    // A failed load is tried again by the next click.
    this.ui.catch(() => {
      this.ui = null;
    });
    return this.ui;
  }

  /** Does something with it as soon as it is there; when it cannot be had, the person is told. */
  with(use: (ui: UI) => void): void {
    this.need().then(use, this.failed);
  }

  /** A place in the host's page where the call's own parts are drawn, once there are any. */
  attach(element: HTMLElement): () => void {
    this.surfaces.set(element, this.now?.mount(element) ?? null);
    return () => {
      this.surfaces.get(element)?.();
      this.surfaces.delete(element);
    };
  }

  /** The address of the large view was opened: its element is filled with the call of this window, or of the one that opened it. */
  attachExpanded(element: HTMLElement, channelID: string): () => void {
    let undo: (() => void) | null = null;
    let over = false;
    this.with((ui) => {
      undo = over ? null : ui.mountExpanded(element, channelID);
    });
    return () => {
      over = true;
      undo?.();
    };
  }
}
