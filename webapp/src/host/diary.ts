/** What happened around calls in this page, for whoever looks into a problem: `/call logs` sends it to its own user. Ids and names of events, nothing that was said. */

const mostLines = 4000;

export class Diary {
  private lines: string[] = [];

  constructor(private readonly now: () => Date = () => new Date()) {}

  note(what: string, facts: Readonly<Record<string, unknown>> = {}): void {
    const told = Object.entries(facts).filter(([, value]) => value !== undefined && value !== '').map(([key, value]) => `${key}=${String(value)}`);
    this.lines.push([this.now().toISOString(), what, ...told].join(' '));
    if (this.lines.length > mostLines) {
      this.lines = this.lines.slice(-mostLines / 2);
    }
  }

  forget(): void {
    this.lines = [];
  }

  text(): string {
    return this.lines.join('\n');
  }

  /** A name for the file that tells it from earlier ones. */
  filename(): string {
    return `call_logs_${this.now().toISOString().slice(0, 19).replace(/:/g, '-')}.txt`;
  }
}
