import { runInNewContext } from 'node:vm';
import { inspect } from 'node:util';
import { isTesseraeError, tesseraeError } from '@tesserae/registry';
import { describe, expect, it, vi } from 'vitest';

const base = { package: 'core', code: 'E_SHAPE', message: 'expected [2,3], found [3,2]', fix: 'transpose it' } as const;

describe('tesseraeError', () => {
  it('reads [package] CODE: message; fix', () => {
    expect(tesseraeError(base).message).toBe('[core] E_SHAPE: expected [2,3], found [3,2]; transpose it');
  });

  it('names the plugin where one speaks', () => {
    const error = tesseraeError({ ...base, plugin: 'adamw' });
    expect(error.message).toBe('[core/adamw] E_SHAPE: expected [2,3], found [3,2]; transpose it');
    expect(error.plugin).toBe('adamw');
  });

  it('is a real Error with code, package, fix, details and cause', () => {
    const cause = new RangeError('underneath');
    const error = tesseraeError({ ...base, cause, details: { step: 3 } });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('TesseraeError');
    expect(error).toMatchObject({ code: 'E_SHAPE', package: 'core', fix: 'transpose it', details: { step: 3 } });
    expect(error.cause).toBe(cause);
    expect(inspect(error)).toContain('underneath');
  });

  it('leaves out what was not given', () => {
    const error = tesseraeError(base);
    expect('plugin' in error).toBe(false);
    expect('details' in error).toBe(false);
    expect('cause' in error).toBe(false);
  });

  it('has a stack that starts at the caller and is headed by name and message', () => {
    function caller(): Error {
      return tesseraeError(base);
    }
    const [head, first] = caller().stack!.split('\n');
    expect(head).toBe('TesseraeError: [core] E_SHAPE: expected [2,3], found [3,2]; transpose it');
    expect(first).toContain('caller');
  });

  it('copies the details, so that a later change does not rewrite history', () => {
    const details = { step: 3 };
    const error = tesseraeError({ ...base, details });
    details.step = 4;
    expect(error.details).toEqual({ step: 3 });
  });
});

describe('isTesseraeError', () => {
  it('knows an error that another copy of the package made', async () => {
    vi.resetModules();
    const second = await import('@tesserae/registry');
    expect(second.tesseraeError).not.toBe(tesseraeError);
    expect(isTesseraeError(second.tesseraeError(base))).toBe(true);
    expect(second.isTesseraeError(tesseraeError(base), 'E_SHAPE')).toBe(true);
  });

  it('asks for the code when one is given', () => {
    expect(isTesseraeError(tesseraeError(base), 'E_SHAPE')).toBe(true);
    expect(isTesseraeError(tesseraeError(base), 'E_OTHER')).toBe(false);
  });

  it.each([undefined, null, 'E_SHAPE', 7, {}, new Error('x'), { code: 'E_SHAPE' }, runInNewContext('new Error("x")')])(
    'rejects %s',
    (value) => {
      expect(isTesseraeError(value)).toBe(false);
    },
  );
});
