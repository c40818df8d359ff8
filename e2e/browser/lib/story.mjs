// Tests that build on one another, as a conversation does.
import assert from 'node:assert/strict';
import { it } from 'node:test';

/**
 * Makes a function that adds steps to a story. After a failed one the others would only repeat it, so they say that and are not run. `people` gives those of
 * whom a failed step leaves a picture in e2e/results.
 */
export function story(people = () => []) {
  let broken = '';
  return (name, fn) =>
    it(name, async () => {
      assert.equal(broken, '', 'an earlier step failed');
      broken = name;
      try {
        await fn();
      } catch (error) {
        await Promise.allSettled(people().map((person) => person.screenshot('failed')));
        throw error;
      }
      broken = '';
    });
}
