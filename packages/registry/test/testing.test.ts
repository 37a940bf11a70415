import { describePluginContract } from '@tesserae/registry/testing';
import { describe, expect, it } from 'vitest';
import { circle, square } from './plugins';
import type { Shape } from './plugins';

describePluginContract<Shape>(square, {
  describe,
  it,
  options: [{ side: 2 }],
  check: (shape) => expect(shape.area()).toBe(4),
});
describePluginContract(circle, { describe, it });

describe('describePluginContract', () => {
  /** Collects the tests instead of running them. */
  function collect(plugin: typeof square, options: object): Map<string, () => void | Promise<void>> {
    const tests = new Map<string, () => void | Promise<void>>();
    describePluginContract(plugin, {
      describe: (_, suite) => suite(),
      it: (name, test) => tests.set(name, test),
      ...options,
    });
    return tests;
  }

  it('fails a plugin whose value is not what the kind promises', async () => {
    const check = (): void => {
      throw new Error('no area');
    };
    const tests = collect(square, { options: [{ side: 2 }], check });
    await expect(tests.get('makes its value by name, and again from the same options')!()).rejects.toThrow('no area');
  });

  it('fails a plugin that makes nothing', async () => {
    const nothing = { ...square, create: () => undefined };
    const tests = collect(nothing as unknown as typeof square, {});
    await expect(tests.get('makes its value by name, and again from the same options')!()).rejects.toThrow(
      'create made nothing',
    );
  });

  it('fails a plugin that says too little of itself', () => {
    const anonymous = { ...square, package: '' };
    const tests = collect(anonymous as unknown as typeof square, {});
    expect(tests.get('says what it is, and a registry takes it in')).toThrow('E_PLUGIN_INVALID');
  });

  it('asks for the functions of a test runner', () => {
    expect(() => describePluginContract(square, {} as never)).toThrow(
      '[registry] E_CONTRACT: the contract needs the functions describe and it of a test runner; ' +
        "import { describe, it } from 'vitest' and pass them: describePluginContract(plugin, { describe, it })",
    );
  });
});
