import { describe, expect, it } from 'vitest';

import { type Colour, contrast, derive, mix, parseColour } from './theme';

const themes: Record<string, Record<string, string>> = {
  denim: { 'sidebar-bg': '#1e325c', 'center-channel-bg': '#ffffff', 'center-channel-color': '#3f4350', 'link-color': '#386fe5', 'button-bg': '#1c58d9', 'button-color': '#ffffff', 'error-text': '#d24b4e', 'online-indicator': '#3db887', 'away-indicator': '#ffbc1f' },
  onyx: { 'sidebar-bg': '#202228', 'center-channel-bg': '#191b1f', 'center-channel-color': '#e3e4e8', 'link-color': '#5d89ea', 'button-bg': '#4a7ce8', 'button-color': '#ffffff', 'error-text': '#da6c6e', 'online-indicator': '#3db887', 'away-indicator': '#f5ab00' },
  'an ugly one': { 'sidebar-bg': '#ffff00', 'center-channel-bg': '#ffeeee', 'center-channel-color': '#aa0000', 'link-color': '#ffcc00', 'button-bg': '#ffff88', 'button-color': '#ffffff', 'error-text': '#ffaaaa', 'online-indicator': '#ccffcc', 'away-indicator': '#ffffcc' },
  'a grey one': { 'sidebar-bg': '#808080', 'center-channel-bg': '#777777', 'center-channel-color': '#ffffff', 'link-color': '#777777', 'button-bg': '#777777', 'button-color': '#000000', 'error-text': '#777777', 'online-indicator': '#777777', 'away-indicator': '#777777' },
};

describe.each(Object.entries(themes))('the tokens of %s', (_, named) => {
  const theme = Object.fromEntries(Object.entries(named).map(([name, value]) => [name, parseColour(value) as Colour]));
  const tokens = derive(theme) as Record<string, Colour>;
  const bg = tokens.bg as Colour;
  const token = (name: string) => tokens[name] as Colour;
  const tint = (colour: Colour, part: number) => mix(bg, colour, part);

  it.each<[string, Colour, number]>([
    ['primary', token('primary-text'), 4.5],
    ['live', bg, 3],
    ['live-text', tint(token('live'), 0.18), 4.5],
    ['danger', [255, 255, 255], 4.5],
    ['danger-text', tint(token('danger'), 0.14), 4.5],
    ['warning-text', tint(token('warning'), 0.16), 4.5],
    ['link', tint(token('primary'), 0.1), 4.5],
  ])('%s can be read', (name, against, ratio) => {
    // On a middle grey nothing reaches it; then it is as far away as there is.
    const best = Math.max(contrast([0, 0, 0], against), contrast([255, 255, 255], against));
    expect(contrast(token(name), against)).toBeGreaterThanOrEqual(Math.min(ratio, best - 1.6));
  });

  it('white reads well on the stage', () => {
    expect(contrast([255, 255, 255], token('stage'))).toBeGreaterThan(14);
  });
});

it.each([
  ['#fff', [255, 255, 255]],
  ['#1c58d9', [28, 88, 217]],
  ['rgb(1, 2, 3)', [1, 2, 3]],
  ['1,2,3', [1, 2, 3]],
  ['nonsense', null],
])('parseColour(%s)', (text, colour) => {
  expect(parseColour(text)).toEqual(colour);
});
