/** The names of people, asked for once each. Without an answer the page says "Someone". */
import type { Api, User } from '../engine/api';
import { t } from '../i18n';
import type { ViewBox } from './view_box';

export class Names {
  private readonly asked = new Set<string>();
  private readonly wanted: string[] = [];
  /** The question under way, and the one that will follow it. */
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  constructor(
    private readonly box: ViewBox,
    private readonly api: () => Pick<Api, 'users'>,
  ) {}

  of(userID: string | undefined): string {
    return (userID && this.box.view.names.get(userID)) || t('person.unknown');
  }

  /** Asks for the names that nobody has asked for yet. Those of people who come while an answer is awaited are asked for together after it. */
  lookUp(ids: readonly string[]): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => id !== '' && !this.asked.has(id));
    if (unknown.length === 0) {
      return Promise.resolve();
    }
    for (const id of unknown) {
      this.asked.add(id);
      this.wanted.push(id);
    }
    if (!this.next) {
      this.running = this.running.then(() => this.ask());
      this.next = this.running;
    }
    return this.next;
  }

  private async ask(): Promise<void> {
    const ids = this.wanted.splice(0);
    this.next = null;
    try {
      this.learn(await this.api().users(ids));
    } catch {
      for (const id of ids) {
        this.asked.delete(id);
      }
    }
  }

  learn(users: readonly User[]): void {
    const names = new Map(this.box.view.names);
    for (const user of users) {
      names.set(user.id, user.name);
      this.asked.add(user.id);
    }
    this.box.set({ names });
  }
}
