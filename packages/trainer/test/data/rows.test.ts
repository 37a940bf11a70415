import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { keyboardSlips, mix, readRows, readSplits, rowSource } from '@tesserae/trainer';
import type { Plain, RowSource } from '@tesserae/trainer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const folder = mkdtempSync(path.join(tmpdir(), 'trainer-rows-'));
let files = 0;
const file = (name: string, content: string | Uint8Array): string => {
  const place = path.join(folder, String(files++));
  mkdirSync(place);
  writeFileSync(path.join(place, name), content);
  return path.join(place, name);
};
const lines = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const fixtures = path.resolve('packages/trainer/test/data/fixtures');

/** Rows of a source from a state on. */
async function from<R>(source: RowSource<R>, epoch: number, state?: Plain): Promise<R[]> {
  const pass = source.open({ epoch, state });
  const rows: R[] = [];
  for (let row = await pass.next(); row !== undefined; row = await pass.next()) rows.push(row);
  return rows;
}

/** A walk that stops after some rows, whose state goes through JSON. */
async function stateAfter<R>(source: RowSource<R>, epoch: number, rows: number): Promise<Plain> {
  const pass = source.open({ epoch });
  for (let i = 0; i < rows; i++) await pass.next();
  const state = JSON.stringify(pass.state());
  await pass.close();
  return JSON.parse(state) as Plain;
}

describe('readRows', () => {
  it('reads JSON Lines: CRLF, empty lines, a byte order mark, no end of line at the end, gzip', async () => {
    const text = '\ufeff{"a":1}\r\n\r\n{"a":"é\u2028🐚"}\n  \n{"a":[3]}';
    const rows = [{ a: 1 }, { a: 'é\u2028🐚' }, { a: [3] }];
    expect(await readRows(file('x.jsonl', text)).toArray()).toEqual(rows);
    expect(await readRows(file('x.jsonl.gz', gzipSync(text))).toArray()).toEqual(rows);
    expect(await readRows(file('x.json', text)).toArray()).toEqual(rows);
    expect(await readRows(file('list.json', ` \n${JSON.stringify(rows)}`)).toArray()).toEqual(rows);
    expect(await readRows(file('rows', text), { format: 'jsonl' }).toArray()).toEqual(rows);
  });
  it('reads CSV as RFC 4180 has it', async () => {
    const text = '\ufeffname, note ,n\r\n"Smith, J.","said ""no""\r\ntwice",1\n\nJo,5" pipe,2\n';
    const rows = [
      { name: 'Smith, J.', note: 'said "no"\ntwice', n: '1' },
      { name: 'Jo', note: '5" pipe', n: '2' },
    ];
    expect(await readRows(file('x.csv', text)).toArray()).toEqual(rows);
    expect(await readRows(file('x.tsv', text.replaceAll(/(?<!Smith),/g, '\t'))).toArray()).toEqual(rows);
    const options = { header: ['text', 'label'], delimiter: ';', numbers: ['label'] };
    expect(await readRows(file('bare.csv', 'a;1\nb;0.5'), options).toArray()).toEqual([
      { text: 'a', label: 1 },
      { text: 'b', label: 0.5 },
    ]);
  });
  it.each(['none', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4'])('reads Parquet packed with %s', async (name) => {
    const rows = await readRows(path.join(fixtures, `${name}.parquet`)).toArray();
    expect(rows.length).toBe(25);
    expect(rows[13]).toEqual({
      text: 'row 13 – ✓',
      label: 1,
      score: 3.25,
      tags: ['13', 'x'],
      place: { city: 'Rome', zip: 13n },
      none: null,
    });
    const some = readRows(path.join(fixtures, `${name}.parquet`), { columns: { words: 'text', label: 'label' } });
    expect(await some.skip(24).toArray()).toEqual([{ words: 'row 24 – ✓', label: 0 }]);
  });
  it('reads text by line, paragraph and document', async () => {
    const text = 'one\ntwo\r\n\n \nthree\n';
    const read = (sampleBy: 'line' | 'paragraph' | 'document'): Promise<unknown[]> =>
      readRows(file('x.txt', text), { sampleBy })
        .map(({ text: found }) => found)
        .toArray();
    expect(await read('line')).toEqual(['one', 'two', '', ' ', 'three']);
    expect(await read('paragraph')).toEqual(['one\ntwo', 'three']);
    expect(await read('document')).toEqual(['one\ntwo\n\n \nthree']);
  });
  it('takes folders, patterns and lists, and the files of an epoch in an order of its own', async () => {
    const place = path.join(folder, 'many');
    mkdirSync(path.join(place, 'inner'), { recursive: true });
    for (const name of ['b.jsonl', 'a.csv', 'inner/c.txt', '_hidden.jsonl', '.dot.txt', 'picture.png'])
      writeFileSync(
        path.join(place, name),
        name.endsWith('csv') ? 'text\na' : name.endsWith('txt') ? 'c' : '{"text":"b"}',
      );
    const texts = async (source: RowSource<Readonly<Record<string, unknown>>>, epoch = 0): Promise<string> =>
      (await from(source, epoch)).map(({ text }) => String(text)).join('');
    expect(await texts(readRows(place))).toBe('abc');
    expect(await texts(readRows(path.join(place, '*.{jsonl,csv}')))).toBe('ab');
    expect(await texts(readRows([path.join(place, 'b.jsonl'), path.join(place, 'a.csv')]))).toBe('ba');
    const shuffled = readRows(place, { fileOrder: 'shuffled', seed: 2 });
    const orders = new Set(await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((epoch) => texts(shuffled, epoch))));
    expect(orders.size).toBeGreaterThan(2);
  });
  it('names file and line of a row that cannot be read, or passes over it and counts', async () => {
    const bad = file('bad.jsonl', Buffer.from('{"a":1}\nnot json\n[1]\n{"a":"\xff"}\n{"a":5}\nnull\n', 'latin1'));
    await expect(readRows(bad).toArray()).rejects.toThrow(
      /E_ROW: .*bad\.jsonl:2 is no row: it is not JSON .*unreadable: 'skip'/,
    );
    const source = readRows(bad, { unreadable: 'skip' });
    expect(await source.toArray()).toEqual([{ a: 1 }, { a: 5 }]);
    expect(source.skipped.count).toBe(4);
    expect(source.skipped.examples.map(({ line, reason }) => `${line} ${reason.slice(0, 20)}`)).toEqual([
      '2 it is not JSON (Unex',
      '3 it is a list, not an',
      '4 it is not valid UTF-',
      '6 it is null, not an o',
    ]);
    const csv = file('bad.csv', 'a,b\n1,2\n3\n"x"y,4\n5,6,7\n8,9\n"open,\n1,2\n');
    await expect(readRows(csv).toArray()).rejects.toThrow('bad.csv:3 is no row: it has 1 fields for 2 columns');
    const rows = readRows(csv, { unreadable: 'skip', numbers: ['b'] });
    expect(await rows.toArray()).toEqual([
      { a: '1', b: 2 },
      { a: '8', b: 9 },
    ]);
    expect(rows.skipped.examples.map(({ line }) => line)).toEqual([3, 4, 5, 7]);
    expect(await rows.toArray()).toHaveLength(2);
    expect(rows.skipped.count).toBe(4); // of the last pass, not of both
    await expect(readRows(file('n.csv', 'a\nx'), { numbers: ['a'] }).toArray()).rejects.toThrow(
      `n.csv:2 is no row: its column 'a' is "x", not a number`,
    );
    await expect(readRows(bad, { maxRowBytes: 3 }).toArray()).rejects.toThrow(
      'bad.jsonl:1 is no row: the line has more',
    );
  });
  it('says what is wrong with files, columns and options', async () => {
    const read = (where: never, options?: object): Promise<unknown> => readRows(where, options).toArray();
    await expect(read(path.join(folder, 'absent.csv') as never)).rejects.toThrow('E_NOT_FOUND');
    await expect(read(path.join(folder, '*.nothing') as never)).rejects.toThrow('E_NO_FILES: the pattern');
    await expect(read(file('x.xyz', 'a') as never)).rejects.toThrow('E_FILE_FORMAT');
    await expect(read(file('x.jsonl.gz', 'not gzip') as never)).rejects.toThrow('E_FILE_FORMAT: ');
    await expect(read(file('cut.jsonl.gz', gzipSync('{"a":1}\n'.repeat(99)).subarray(0, 30)) as never)).rejects.toThrow(
      'cannot be unpacked',
    );
    await expect(read(file('x.parquet', 'PAR1 nothing') as never)).rejects.toThrow('cannot be read as Parquet');
    await expect(read(file('x.csv', '') as never)).rejects.toThrow('it has no header line');
    await expect(read(file('x.csv', 'a,a\n1,2') as never)).rejects.toThrow("has two columns 'a'");
    await expect(read(file('x.json', '[{"a":1}') as never)).rejects.toThrow('E_FILE_FORMAT');
    await expect(read(file('x.csv', 'a,b\n1,2') as never, { columns: ['c'] })).rejects.toThrow(
      "has no column 'c'; it has 'a', 'b'; name a column that it has",
    );
    await expect(read(file('x.jsonl', '{"a":1}') as never, { columns: { c: 'b' } })).rejects.toThrow(
      "x.jsonl:1 is no row: it has no column 'b', only 'a'",
    );
    await expect(read('' as never)).rejects.toThrow('E_OPTION');
    await expect(read(file('empty.jsonl', '\n\n') as never)).rejects.toThrow('E_NO_ROWS');
    expect(() => readRows('x', { format: 'xml' as never })).toThrow('E_OPTION');
    expect(() => readRows('x', { colums: ['a'] } as never)).toThrow("did you mean 'columns'?");
    expect(() => rowSource('text' as never)).toThrow('E_OPTION: expected a list of rows');
  });
});

describe('readSplits', () => {
  it('tells splits apart by names', async () => {
    const place = path.join(folder, 'splits');
    mkdirSync(path.join(place, 'test'), { recursive: true });
    writeFileSync(path.join(place, 'train-00000-of-00002.jsonl'), '{"a":1}');
    writeFileSync(path.join(place, 'train-00001-of-00002.jsonl'), '{"a":2}');
    writeFileSync(path.join(place, 'reviews_dev.jsonl'), '{"a":3}');
    writeFileSync(path.join(place, 'test', 'part.jsonl'), '{"a":4}');
    const { train, validation, test } = await readSplits(place);
    expect([await train.toArray(), await validation!.toArray(), await test!.toArray()]).toEqual([
      [{ a: 1 }, { a: 2 }],
      [{ a: 3 }],
      [{ a: 4 }],
    ]);
    expect(Object.keys(await readSplits(file('data.jsonl', '{"a":1}')))).toEqual(['train']);
    await expect(readSplits(path.join(place, 'test'))).rejects.toThrow('E_SPLIT: none of 1 files is for training');
  });
});

describe('row sources', () => {
  const numbers = rowSource(Array.from({ length: 100 }, (_, i) => i));

  it('are walked over again and again, and leave one another as they are', async () => {
    const even = numbers.filter((n) => n % 2 === 0).map((n, { index, epoch }) => [n, index, epoch]);
    expect(await from(even.skip(2).take(2), 3)).toEqual([
      [4, 2, 3],
      [6, 3, 3],
    ]);
    expect(await numbers.toArray()).toHaveLength(100);
    const { train, validation } = numbers.split(0.1);
    expect(await validation.toArray()).toEqual([9, 19, 29, 39, 49, 59, 69, 79, 89, 99]);
    expect(await train.toArray()).toHaveLength(90);
    expect(await numbers.take(2).repeat(3).toArray()).toEqual([0, 1, 0, 1, 0, 1]);
    await expect(numbers.take(0).toArray()).rejects.toThrow('E_NO_ROWS');
    await expect(from(numbers.take(0).repeat(), 0)).resolves.toEqual([]);
    expect(() => numbers.take(-1)).toThrow('E_OPTION');
    expect(() => numbers.map('x' as never)).toThrow('E_OPTION');
    expect(() => numbers.split(1)).toThrow('E_OPTION');
  });
  it('repeated end for good with a pass that gives nothing, in a continuation too', async () => {
    const but = numbers.take(3).filter((_, { epoch }) => epoch !== 1);
    const twice = but.repeat(4);
    expect(await from(twice, 0)).toEqual([0, 1, 2]); // the second pass gives nothing: there is no third
    for (const walked of [3, 4, 5]) expect(await from(twice, 0, await stateAfter(twice, 0, walked))).toEqual([]);
    const forEver = but.repeat();
    expect(await from(forEver, 0, await stateAfter(forEver, 0, 2))).toEqual([2]);
    const pass = forEver.open({ state: await stateAfter(forEver, 0, 4) });
    expect([await pass.next(), await pass.next()]).toEqual([undefined, undefined]);
  });
  it('are shuffled with a bounded buffer, anew in every epoch', async () => {
    const shuffled = numbers.shuffle({ buffer: 10, seed: 4 });
    const [one, again, two] = [await from(shuffled, 0), await from(shuffled, 0), await from(shuffled, 1)];
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
    for (const order of [one, two]) {
      expect([...order].sort((a, b) => a - b)).toEqual(await numbers.toArray());
      order.forEach((n, i) => expect(n).toBeLessThan(i + 10)); // no row comes before it was read
    }
    const all = await from(numbers.shuffle({ buffer: 1000 }), 0);
    expect(all.slice(0, 50).reduce((a, b) => a + b) / 50).toBeGreaterThan(35); // the mean of all is 49.5
  });
  it('are mixed by weights, to the end of the first or of all', async () => {
    const part = (name: string, count: number): RowSource<string> => rowSource(Array<string>(count).fill(name));
    const endless = mix([
      { source: part('a', 10).repeat(), weight: 3 },
      { source: part('b', 10).repeat(), weight: 1 },
    ]);
    const drawn = await endless.take(4000).toArray();
    expect(drawn.filter((name) => name === 'a').length / 4000).toBeCloseTo(0.75, 1);
    const parts = [
      { source: part('a', 100), weight: 1 },
      { source: part('b', 5), weight: 1 },
    ];
    const count = (rows: string[], name: string): number => rows.filter((row) => row === name).length;
    const first = await mix(parts, { until: 'first' }).toArray();
    expect(count(first, 'b')).toBe(5);
    expect(count(first, 'a')).toBeLessThan(30);
    const all = await mix(parts).toArray();
    expect(count(all, 'a')).toBe(100);
    expect(count(all, 'b')).toBeGreaterThan(50);
    expect(() => mix([])).toThrow('E_OPTION: there is no source to mix');
    expect(() => mix([{ source: part('a', 1), weight: 0 }])).toThrow('has the weight 0');
    expect(() => mix([{ source: ['a'] as never, weight: 1 }])).toThrow('has no source of rows');
  });
  it('are augmented by seed, place and epoch', async () => {
    const rows = rowSource(
      Array.from({ length: 40 }, (_, i) => ({ text: `a sentence of several words ${i}`, label: i })),
    );
    const source = rows.augment(keyboardSlips({ rate: 0.2 }), { share: 0.5, seed: 1 });
    const [one, two] = [await from(source, 0), await from(source, 1)];
    expect(await from(source, 0)).toEqual(one);
    expect(two).not.toEqual(one);
    const plain = await rows.toArray();
    const changed = one.filter(({ text }, i) => text !== plain[i].text).length;
    expect(changed).toBeGreaterThan(10);
    expect(changed).toBeLessThan(30);
    expect(one.map(({ label }) => label)).toEqual(plain.map(({ label }) => label));
    const named = rowSource([{ review: 'a sentence of several words' }]).augment([keyboardSlips()], {
      share: 1,
      column: 'review',
    });
    const [{ review, ...others }] = await named.toArray();
    expect([review === 'a sentence of several words', others]).toEqual([false, {}]);
    expect(() => rows.augment(keyboardSlips as never)).toThrow('E_AUGMENTERS');
  });
  it('have fingerprints that follow content and options', async () => {
    const place = file('x.jsonl', '{"a":1}\n{"a":2}');
    const copy = file('y.jsonl', '{"a":1}\n{"a":2}');
    const print = (source: RowSource<never>): Promise<string> => source.fingerprint();
    const read = (where: string, options = {}): never => readRows(where, options) as never;
    expect(await print(read(place))).toBe(await print(read(copy)));
    expect(await print(read(place, { columns: ['a'] }))).not.toBe(await print(read(copy)));
    expect(await (read(place) as RowSource).shuffle({ seed: 1 }).fingerprint()).not.toBe(
      await (read(place) as RowSource).shuffle().fingerprint(),
    );
    const before = await print(read(copy));
    writeFileSync(copy, '{"a":1}\n{"a":3}');
    expect(await print(read(copy))).not.toBe(before);
  });
  it('refuse states of other sources and of files that changed', async () => {
    const place = file('x.jsonl', lines([{ a: 1 }, { a: 2 }, { a: 3 }]));
    const state = await stateAfter(readRows(place) as RowSource<unknown>, 0, 1);
    expect(await from(readRows(place), 0, state)).toEqual([{ a: 2 }, { a: 3 }]);
    await expect(from(readRows(place).take(2), 0, state)).rejects.toThrow(
      "E_DATA_STATE: the state cannot be continued from: it is of 'files', not of 'take'",
    );
    expect(() => numbers.open({ state: { kind: 'list', row: 101 } })).toThrow('E_DATA_STATE');
    expect(() => numbers.open({ state: { kind: 'list', row: -1 } })).toThrow('its row is -1');
    writeFileSync(place, lines([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]));
    await expect(from(readRows(place), 0, state)).rejects.toThrow(
      /E_DATA_CHANGED: .*has changed: it has 31 bytes, and had 23/,
    );
  });
});

describe('states of row sources (properties)', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 });

  it('JSON Lines give back what was written, from any place on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ a: text, b: fc.integer() }), { minLength: 1, maxLength: 20 }),
        fc.nat(20),
        fc.boolean(),
        async (rows, stop, packed) => {
          const content = `${lines(rows)}\n`;
          const source = readRows(file(packed ? 'x.jsonl.gz' : 'x.jsonl', packed ? gzipSync(content) : content));
          expect(await source.toArray()).toEqual(rows);
          const at = Math.min(stop, rows.length);
          expect(await from(source, 0, await stateAfter(source, 0, at))).toEqual(rows.slice(at));
        },
      ),
      { numRuns: 60 },
    );
  });
  it('CSV gives back what was written, from any place on', async () => {
    const field = fc.oneof(text, fc.stringMatching(/^["',\n; ]{0,6}$/)).map((s) => s.replaceAll('\r', ''));
    const quoted = (s: string, always: boolean): string =>
      always || /[",\n]/.test(s) || s.trim() !== s ? `"${s.replaceAll('"', '""')}"` : s;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 20 }),
        fc.nat(20),
        fc.boolean(),
        fc.constantFrom('\n', '\r\n'),
        async (rows, stop, always, end) => {
          const content = [['x', 'y'], ...rows].map((row) => row.map((s) => quoted(s, always)).join(',')).join(end);
          const source = readRows(file('x.csv', content));
          const wanted = rows.map(([x, y]) => ({ x, y }));
          expect(await source.toArray()).toEqual(wanted);
          const at = Math.min(stop, rows.length);
          expect(await from(source, 0, await stateAfter(source, 0, at))).toEqual(wanted.slice(at));
        },
      ),
      { numRuns: 100 },
    );
  });
  it('any bytes give rows or coded errors, and stop', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom('jsonl', 'json', 'csv', 'tsv', 'text', 'parquet', 'gz'),
        async (bytes, kind) => {
          const name = kind === 'gz' ? 'x.csv.gz' : `x.${kind === 'text' ? 'txt' : kind}`;
          const source = readRows(file(name, bytes), { unreadable: 'skip' });
          const found = await from(source, 0).catch((error: unknown) => error as Error & { code?: string });
          if (!Array.isArray(found)) expect(found.code, found.stack).toMatch(/^E_(FILE_FORMAT|NO_ROWS)$/);
        },
      ),
      { numRuns: 150 },
    );
  });
  it('whatever is chained continues bit for bit, also after a second interruption', async () => {
    type Wrap = (source: RowSource<unknown>) => RowSource<unknown>;
    const steps = fc.array(
      fc.oneof(
        fc.record({ buffer: fc.integer({ min: 1, max: 12 }), seed: fc.nat(5) }).map(
          (options): Wrap =>
            (s) =>
              s.shuffle(options),
        ),
        fc.nat(30).map(
          (n): Wrap =>
            (s) =>
              s.take(n),
        ),
        fc.nat(5).map(
          (n): Wrap =>
            (s) =>
              s.skip(n),
        ),
        fc.integer({ min: 1, max: 3 }).map(
          (n): Wrap =>
            (s) =>
              s.repeat(n),
        ),
        fc.constant<Wrap>((s) => s.filter((_, { index }) => index % 3 !== 1)),
        fc.constant<Wrap>((s) => s.map((row, { epoch }) => [row, epoch])),
        fc.constant<Wrap>((s) => s.split(0.3).train),
        fc.nat(5).map(
          (seed): Wrap =>
            (s) =>
              mix(
                [
                  { source: s, weight: 2 },
                  { source: rowSource<unknown>(['x', 'y', 'z']), weight: 1 },
                ],
                { seed },
              ),
        ),
      ),
      { maxLength: 5 },
    );
    const parquet = path.join(fixtures, 'snappy.parquet');
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.boolean(),
        fc.nat(3),
        fc.nat(30),
        fc.nat(20),
        async (wraps, real, epoch, stop, more) => {
          const base: RowSource<unknown> = real
            ? readRows(parquet).map(({ text: words }) => words)
            : rowSource(Array.from({ length: 30 }, (_, i) => i));
          const source = wraps.reduce((s, wrap) => wrap(s), base);
          const whole = await from(source, epoch);
          const at = Math.min(stop, whole.length);
          const state = await stateAfter(source, epoch, at);
          expect(await from(source, epoch, state)).toEqual(whole.slice(at));
          const pass = source.open({ epoch, state });
          for (let i = 0; i < more; i++) await pass.next();
          const second = JSON.parse(JSON.stringify(pass.state())) as Plain;
          expect(await from(source, epoch, second)).toEqual(whole.slice(at + more));
        },
      ),
      { numRuns: 80 },
    );
  });
});
