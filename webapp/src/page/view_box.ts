/** Holds the view of the moment, and tells those who show it of each change. */
import type { View } from './view';

export class ViewBox {
  private current: View;
  private readonly listeners = new Set<(view: View) => void>();

  constructor(first: View) {
    this.current = first;
  }

  get view(): View {
    return this.current;
  }

  subscribe(listener: (view: View) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(fields: Partial<View>): void {
    this.current = { ...this.current, ...fields };
    for (const listener of [...this.listeners]) {
      try {
        listener(this.current);
      } catch (error) {
        // A pop-out that was closed leaves a dead listener behind, and it must not keep the others from hearing.
        this.listeners.delete(listener);
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** Says something to those who listen to the page instead of looking at it. */
  speak(text: string): void {
    this.set({ spoken: { text, id: this.current.spoken.id + 1 } });
  }
}
