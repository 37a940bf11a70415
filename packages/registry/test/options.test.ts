import { checkOptionNames, checkOptions, describeValue, oneOf, optionRules, required } from '@tesserae/registry';
import type { OptionCaller } from '@tesserae/registry';
import { describe, expect, it } from 'vitest';

const drawer: OptionCaller = { package: 'my-charts', name: 'pieChart', code: 'E_OPTION' };
const descent: OptionCaller = {
  package: 'my-optimizers',
  plugin: 'descent',
  name: 'descent',
  code: 'E_OPTION',
  unknownCode: 'E_UNKNOWN_OPTION',
  shortForms: { lr: 'learningRate', maxsteps: 'iterations' },
};

/** The message of what a call throws. */
function message(run: () => void): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
}

describe('checkOptionNames', () => {
  const check = (options: unknown, caller = drawer): string =>
    message(() => checkOptionNames(caller, options, ['title', 'slices']));

  it('lets known names pass, whatever they hold', () => {
    expect(() => checkOptionNames(drawer, {}, ['title'])).not.toThrow();
    expect(() => checkOptionNames(drawer, { title: undefined, slices: 3 }, ['title', 'slices'])).not.toThrow();
  });

  it.each([
    [{ slice: 1 }, 'pieChart has no option "slice"; did you mean \'slices\'? the options are title, slices'],
    [{ colour: 1 }, 'pieChart has no option "colour"; the options are title, slices'],
    [{ 'a\nb': 1 }, 'pieChart has no option "a\\nb"; the options are title, slices'],
    [null, 'pieChart takes an object of options, found null; call pieChart with { … }'],
    [['title'], 'pieChart takes an object of options, found ["title"]; call pieChart with { … }'],
    ['title', 'pieChart takes an object of options, found "title"; call pieChart with { … }'],
  ])('refuses %j', (options, expected) => {
    expect(check(options)).toBe(`[my-charts] E_OPTION: ${expected}`);
  });

  it('knows a name that is an own one only', () => {
    expect(check(JSON.parse('{"__proto__": 1}'))).toContain('has no option "__proto__"');
    expect(check({ constructor: 1 }, { ...drawer, shortForms: { lr: 'title' } })).toContain('has no option');
  });

  it('suggests what a short form of another library stands for, where there is that option', () => {
    const names = (options: object): string => message(() => checkOptionNames(descent, options, ['learningRate']));
    expect(names({ LR: 1 })).toBe(
      '[my-optimizers/descent] E_UNKNOWN_OPTION: descent has no option "LR"; did you mean \'learningRate\'? the options are learningRate',
    );
    expect(names({ max_steps: 1 })).not.toContain('did you mean');
  });
});

describe('checkOptions', () => {
  interface DescentOptions {
    learningRate: number;
    momentum?: number;
    mode?: string;
  }
  const check = (options: unknown, caller = descent): string =>
    message(() =>
      checkOptions<DescentOptions>(caller, options, {
        learningRate: required(optionRules.positive),
        momentum: optionRules.fraction,
        mode: oneOf('plain', 'nesterov'),
      }),
    );

  it.each([
    [{ learningRate: 1 }, 'nothing was thrown'],
    [{ learningRate: 1, momentum: undefined }, 'nothing was thrown'],
    [{ learningRate: 1, momentum: 0, mode: 'nesterov' }, 'nothing was thrown'],
  ])('lets %j pass', (options, expected) => expect(check(options)).toBe(expected));

  it.each([
    [{}, "E_OPTION: the option 'learningRate' is missing; expected a number > 0; add learningRate"],
    [{ learningRate: NaN }, "E_OPTION: the option 'learningRate' must be a number > 0, found NaN"],
    [{ learningRate: 1, momentum: 1 }, "E_OPTION: the option 'momentum' must be a number in [0, 1), found 1"],
    [{ learningRate: 1, mode: 'odd' }, "the option 'mode' must be one of 'plain', 'nesterov', found \"odd\""],
    [
      { learningRate: 1, momentun: 0 },
      'E_UNKNOWN_OPTION: descent has no option "momentun"; did you mean \'momentum\'?',
    ],
  ])('refuses %j', (options, expected) => expect(check(options)).toContain(expected));

  it('names the function where no plugin speaks', () => {
    expect(check({}, { ...drawer, name: 'fit' })).toContain("[my-charts] E_OPTION: the option 'learningRate' of fit");
  });

  it('gives programs the option and what was found', () => {
    expect(() => checkOptions(drawer, { wide: 3 }, { wide: optionRules.boolean })).toThrow(
      expect.objectContaining({ details: { option: 'wide', expected: 'true or false', found: 3 } }),
    );
  });
});

describe('optionRules', () => {
  it.each([
    ['positive', [1, 0.5], [0, -1, NaN, Infinity, '1']],
    ['nonNegative', [0, 2], [-1, NaN]],
    ['fraction', [0, 0.99], [1, -0.1]],
    ['positiveInteger', [1, 7], [0, 1.5, 2 ** 60]],
    ['nonNegativeInteger', [0, 7], [-1, 0.5]],
    ['boolean', [true, false], [0, 'true']],
    ['string', ['a'], ['', 1]],
    ['function', [() => 1], [{}]],
    ['object', [{}], [null, [], 'a', () => 1]],
  ] as const)('%s', (name, good, bad) => {
    expect(good.filter((value) => !optionRules[name].test(value))).toEqual([]);
    expect(bad.filter((value) => optionRules[name].test(value))).toEqual([]);
  });
});

describe('describeValue', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [10n, '10'],
    [Symbol('a'), 'Symbol(a)'],
    ['a"b', '"a\\"b"'],
    ['x'.repeat(100), `"${'x'.repeat(40)}…"`],
    [[1, 'a', null], '[1, "a", null]'],
    [[1, 2, 3, 4, 5, 6, 7], 'an array of 7'],
    [[[1], 2], 'an array of 2'],
    [new Float32Array(3), 'an object'],
    [() => 1, 'a function'],
  ])('%o is %s', (value, expected) => expect(describeValue(value)).toBe(expected));
});
