import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  environment,
  escapeHtml,
  formatBytes,
  formatDuration,
  formatNumber,
  show,
  showHtml,
  table,
} from '@tesserae/display';
import { expectError, fakeNotebook, fakeStream } from './support';

afterEach(() => vi.unstubAllGlobals());
const tty = fakeStream({ isTTY: true });

describe('environment', () => {
  it('is the notebook when tslab runs the program, without importing tslab', () => {
    const notebook = fakeNotebook();
    expect(environment({ notebook })).toBe('notebook');
    const asked: string[] = [];
    vi.stubGlobal('__tslab__', { require: (name: string) => (asked.push(name), notebook) });
    expect(environment()).toBe('notebook');
    expect(asked).toEqual(['tslab']);
    showHtml('<b>hi</b>');
    expect(notebook.shown).toEqual(['<b>hi</b>']);
  });

  it('is no notebook when the global is something else', () => {
    for (const value of [
      undefined,
      {},
      { require: 5 },
      { require: () => ({}) },
      {
        require: () => {
          throw new Error('no');
        },
      },
    ]) {
      // prettier-ignore
      vi.stubGlobal('__tslab__', value);
      expect(environment({ stream: fakeStream() })).toBe('plain');
    }
  });

  it('is the terminal when the stream is one that draws', () => {
    expect(environment({ stream: tty })).toBe('terminal');
    expect(environment({ stream: fakeStream() })).toBe('plain');
    vi.stubEnv('TERM', 'dumb');
    expect(environment({ stream: tty })).toBe('plain');
    vi.unstubAllEnvs();
  });

  it('is what it is told to be', () => {
    expect(environment({ environment: 'plain', notebook: fakeNotebook() })).toBe('plain');
    expect(environment({ environment: 'terminal', stream: fakeStream() })).toBe('terminal');
  });
});

describe('showing', () => {
  it('gives HTML to the notebook and text to the rest', () => {
    const item = table([{ a: 1 }]);
    const notebook = fakeNotebook();
    show(item, { notebook });
    expect(notebook.shown).toEqual([item.html]);
    const stream = fakeStream();
    show(item, { stream });
    expect(stream.written).toEqual([`${item.text}\n`]);
    show({ html: '<b></b>' }, { stream }); // has no text
    showHtml(item, { stream });
    expect(stream.written.length).toBe(1);
    show(item, { notebook, stream });
    expect(stream.written.length).toBe(1);
  });

  it('refuses what has no HTML', async () => {
    await expectError(() => showHtml(5 as never), 'E_OPTION', /showHtml was given 5/);
    await expectError(() => showHtml('', { where: 'here' } as never), 'E_OPTION', /no option "where"/);
  });
});

it('escapes everything that HTML could take for itself', () => {
  expect(escapeHtml(`<a href="x" id='y'>&amp;\u0000\u0007\ud800\n\t🦊`)).toBe(
    '&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\ufffd\ufffd\ufffd\n\t🦊',
  );
});

it('writes durations, sizes and numbers for people', () => {
  const durations = [0, 0.4, 59.4, 59.6, 60, 187, 3599.7, 3600, 86_399, 90_000, 273_600, Infinity, NaN, -1];
  expect(durations.map(formatDuration)).toEqual([
    ...[
      '0 s',
      '0 s',
      '59 s',
      '1:00',
      '1:00',
      '3:07',
      '1:00:00',
      '1:00:00',
      '23:59:59',
      '1 d 01:00',
      '3 d 04:00',
      '–',
      '–',
      '–',
    ],
  ]);
  const sizes = [0, 1023, 1024, 1536, 10 * 1024, 1_048_575, 1_048_576, 5.5 * 2 ** 30, 2 ** 60, NaN];
  expect(sizes.map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '10 KiB',
    '1.0 MiB',
    '1.0 MiB',
    '5.5 GiB',
    '1048576 TiB',
    '–',
  ]);
  const numbers = [
    0,
    7,
    -7,
    1234567,
    1234.5,
    123.456,
    12.3456,
    2.34567,
    0.123456,
    0.0123456,
    0.0003,
    3.1e-7,
    -2.5e-9,
    1e21,
    NaN,
    Infinity,
    -Infinity,
  ];
  expect(numbers.map(formatNumber)).toEqual([
    ...[
      '0',
      '7',
      '-7',
      '1,234,567',
      '1,235',
      '123.5',
      '12.35',
      '2.346',
      '0.123',
      '0.0123',
      '0.0003',
      '3.1e-7',
      '-2.5e-9',
      '1.000e+21',
    ],
    ...['NaN', '∞', '−∞'],
  ]);
});
