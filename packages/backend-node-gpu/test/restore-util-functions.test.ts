import util from 'node:util';
import { restoreUtilFunctions } from '@tesserae/backend-node-gpu';
import { describe, expect, it, vi } from 'vitest';

type Test = (value: unknown) => boolean;

const restored: Record<string, unknown> = {};
const names = restoreUtilFunctions(restored);

describe('restoreUtilFunctions', () => {
  it('puts back everything that Node 23 removed, and what is announced to go', () => {
    const node23 = [
      'isBoolean',
      'isBuffer',
      'isDate',
      'isError',
      'isFunction',
      'isNull',
      'isNullOrUndefined',
      'isNumber',
      'isObject',
    ];
    const more = ['isPrimitive', 'isRegExp', 'isString', 'isSymbol', 'isUndefined', 'log', 'isArray', '_extend'];
    expect([...names].sort()).toEqual([...node23, ...more].sort());
  });

  it('leaves alone what is there', () => {
    const mine = (): boolean => true;
    const present: Record<string, unknown> = { isArray: mine };
    expect(restoreUtilFunctions(present)).not.toContain('isArray');
    expect(present['isArray']).toBe(mine);
    expect(restoreUtilFunctions(present)).toEqual([]);
  });

  it('completes the util that packages require', () => {
    restoreUtilFunctions();
    const live = util as unknown as Record<string, Test>;
    expect(live['isNullOrUndefined']?.(null)).toBe(true);
    expect(live['isArray']?.([])).toBe(true);
  });

  const everything: Record<string, unknown> = {
    undefined,
    null: null,
    boolean: false,
    number: NaN,
    string: '',
    symbol: Symbol('s'),
    array: [],
    object: {},
    function: () => 0,
    date: new Date(0),
    regexp: /x/,
    error: new TypeError('e'),
    buffer: Buffer.alloc(1),
  };
  const objects = ['array', 'object', 'date', 'regexp', 'error', 'buffer'];
  it.each([
    ['isArray', ['array']],
    ['isBoolean', ['boolean']],
    ['isBuffer', ['buffer']],
    ['isDate', ['date']],
    ['isError', ['error']],
    ['isFunction', ['function']],
    ['isNull', ['null']],
    ['isNullOrUndefined', ['undefined', 'null']],
    ['isNumber', ['number']],
    ['isObject', objects],
    ['isPrimitive', ['undefined', 'null', 'boolean', 'number', 'string', 'symbol']],
    ['isRegExp', ['regexp']],
    ['isString', ['string']],
    ['isSymbol', ['symbol']],
    ['isUndefined', ['undefined']],
  ])('%s answers as it did', (name, yes) => {
    const test = restored[name] as Test;
    expect(Object.keys(everything).filter((key) => test(everything[key]))).toEqual(yes);
    const original = (util as unknown as Record<string, Test | undefined>)[name];
    if (original === undefined) return; // newer Node: nothing to compare with
    for (const value of Object.values(everything)) expect(test(value)).toBe(original(value));
  });

  it('_extend copies, log writes with a time', () => {
    const extend = restored['_extend'] as (target: object, source: unknown) => object;
    expect(extend({ a: 1 }, { b: 2 })).toEqual({ a: 1, b: 2 });
    expect(extend({ a: 1 }, null)).toEqual({ a: 1 });
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    (restored['log'] as (...values: unknown[]) => void)('%d steps', 3);
    expect(print.mock.calls[0]?.[0]).toMatch(/ - 3 steps$/);
    print.mockRestore();
  });
});
