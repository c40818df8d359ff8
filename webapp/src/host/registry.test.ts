import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';

import { careful, registerCallButton } from './registry';

let said: MockInstance;

beforeEach(() => {
  said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a registry of another version', () => {
  it('costs only what it refuses', () => {
    const types: string[] = [];
    const registry = careful({
      registerRootComponent: () => {
        throw new Error('no such place here');
      },
      registerPostTypeComponent(type: string) {
        expect(this).toHaveProperty('registerRootComponent'); // methods are called on the host's own object
        types.push(type);
        return 'id';
      },
    });
    expect(registry.registerRootComponent?.({})).toBeUndefined();
    expect(registry.registerPostTypeComponent?.('custom_calls', {})).toBe('id');
    expect(registry.registerGlobalComponent?.({})).toBeUndefined();
    expect(types).toEqual(['custom_calls']);
    expect(said).toHaveBeenCalledOnce();
  });
});

describe('the call button', () => {
  const parts = { button: 'button', menuLine: 'line', icon: 'icon', text: 'Start call', tooltip: 'tip', press: () => undefined };

  it('is given whole to hosts that take it so', () => {
    const three = vi.fn((_button: unknown, _line: unknown, _press: unknown) => 'id');
    const named = vi.fn((...args: unknown[]) => String(args.length));
    for (const register of [three, named]) {
      registerCallButton({ registerCallButtonAction: register }, parts);
      expect(register).toHaveBeenCalledExactlyOnceWith('button', 'line', parts.press);
    }
  });

  it('is given as an icon and words to the hosts before', () => {
    const given: unknown[][] = [];
    // biome-ignore lint/complexity/useArrowFunction: hosts tell their version by how many arguments the method has.
    const registerCallButtonAction = function (icon: unknown, action: unknown, text: unknown, tooltip: unknown) {
      given.push([icon, action, text, tooltip]);
      return 'id';
    };
    registerCallButton({ registerCallButtonAction } as never, parts);
    expect(given).toEqual([['icon', parts.press, 'Start call', 'tip']]);
  });

  it('goes among the header\'s buttons where there is no place for calls', () => {
    const register = vi.fn(() => 'id');
    registerCallButton({ registerChannelHeaderButtonAction: register }, parts);
    expect(register).toHaveBeenCalledExactlyOnceWith('icon', parts.press, 'Start call', 'tip');
    expect(() => registerCallButton({}, parts)).not.toThrow();
  });
});
