/** The names of people, asked for once each. Without an answer the page says "Someone". */
import type { Api, User } from '../engine/api';
import { t } from '../i18n';
import type { ViewBox } from './view_box';

export class Names {
  private readonly asked = new Set<string>();

  constructor(
    private readonly box: ViewBox,
    private readonly api: () => Pick<Api, 'users'>,
  ) {}

  of(userID: string | undefined): string {
    return (userID && this.box.view.names.get(userID)) || t('person.unknown');
  }

  async lookUp(ids: readonly string[]): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => id !== '' && !this.asked.has(id));
    if (unknown.length === 0) {
      return;
    }
    for (const id of unknown) {
      this.asked.add(id);
    }
    try {
      this.learn(await this.api().users(unknown));
    } catch {
      for (const id of unknown) {
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
