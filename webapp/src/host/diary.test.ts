import { expect, it } from 'vitest';

import { Diary } from './diary';

it('keeps the newest lines, and never more than it may', () => {
  const diary = new Diary(() => new Date(0));
  for (let i = 0; i < 10_000; i++) {
    diary.note('line', { number: i, nothing: undefined, empty: '' });
  }
  const lines = diary.text().split('\n');
  expect(lines.length).toBeLessThanOrEqual(4000);
  expect(lines.length).toBeGreaterThan(1000);
  expect(lines.at(-1)).toBe('1970-01-01T00:00:00.000Z line number=9999');
  expect(diary.filename()).toBe('call_logs_1970-01-01T00-00-00.txt');
});
