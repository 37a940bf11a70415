import { describe, expect, it } from 'vitest';
import { heatmap, lineChart, reportPage, table } from '@tesserae/display';
import type { ReportOptions } from '@tesserae/display';
import { expectError, wellFormedTexts } from './support';

const NASTY = `</style><script>alert("x")</script> & 'q'`;

async function fullPage(): Promise<string> {
  return reportPage({
    title: NASTY,
    subtitle: NASTY,
    footer: NASTY,
    language: 'en"><script>',
    sections: [
      {
        title: NASTY,
        blocks: [
          { text: `One ${NASTY}\n\nTwo\nstill two\n\n\n` },
          {
            facts: [
              { label: 'Loss', value: '1.62', note: NASTY },
              { label: NASTY, value: NASTY },
            ],
          },
          { chart: await lineChart({ title: NASTY, series: [{ name: NASTY, y: [1, 2] }] }), caption: NASTY },
          { chart: await heatmap({ values: [[1, 2]] }) },
          { item: table([{ [NASTY]: NASTY }], { title: NASTY }), caption: NASTY },
          { passage: { prompt: `Once ${NASTY}`, continuation: ' upon\n  a time' } },
          { code: `npm run x\n  ${NASTY}` },
          { html: '<hr class="mine">' },
        ],
      },
    ],
  });
}

/** The page's body with its void elements closed, so that it can be read as XML. */
function bodyTexts(page: string): string[] {
  const body = page.slice(page.indexOf('<body>') + 6, page.indexOf('</body>'));
  return wellFormedTexts(body.trim().replace(/<(br|hr)([^>]*)>/g, '<$1$2/>'));
}

describe('a report', () => {
  it('holds everything, well-formed and escaped', async () => {
    const page = await fullPage();
    expect(page.startsWith('<!doctype html>\n<html lang="en&quot;&gt;&lt;script&gt;">')).toBe(true);
    const texts = bodyTexts(page);
    for (const text of [NASTY, `One ${NASTY}`, 'Two\nstill two', 'Loss', '1.62', `Once ${NASTY}`, ' upon\n  a time'])
      expect(
        texts.some((found) => found === text),
        text,
      ).toBe(true);
    expect(page).toContain('<hr class="mine">');
    expect(page.match(/<p>/g)?.length).toBe(2);
    expect(page.match(/<svg /g)?.length).toBe(2);
  });

  it('needs nothing else: no scripts, no files, no network', async () => {
    const page = await fullPage();
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|javascript:/i);
    expect(page).not.toMatch(/\s(?:src|href|xlink:href)="(?!#)/i);
    expect(page).not.toMatch(/url\((?!#)/i);
    expect(page).toMatch(/Content-Security-Policy" content="default-src 'none';/);
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page).toContain('<meta charset="utf-8">');
  });

  it('refuses malformed parts, and says where', async () => {
    const make = (options: unknown) => () => reportPage(options as ReportOptions);
    const block = (value: unknown) => make({ title: 'a', sections: [{ title: 'b', blocks: [value] }] });
    await expectError(make({ sections: [] }), 'E_OPTION', /no title/);
    await expectError(make({ title: 'a' }), 'E_REPORT', /sections is undefined/);
    await expectError(make({ title: 'a', sections: [{ title: 'b' }] }), 'E_REPORT', /section 0 .* blocks undefined/);
    await expectError(make({ title: 'a', sections: [], script: '' }), 'E_OPTION', /no option "script"/);
    await expectError(block({}), 'E_REPORT', /block 0 of section 0 is of no known kind/);
    await expectError(block(null), 'E_REPORT', /no known kind/);
    await expectError(block({ text: 'a', code: 'b' }), 'E_REPORT', /both text and code/);
    await expectError(block({ text: 5 }), 'E_REPORT', /text of block 0 .* is 5/);
    await expectError(block({ chart: {} }), 'E_REPORT', /chart of block 0/);
    await expectError(block({ item: null }), 'E_REPORT', /item of block 0/);
    await expectError(block({ passage: { prompt: 'a' } }), 'E_REPORT', /continuation of block 0/);
    await expectError(block({ facts: 5 }), 'E_REPORT', /facts of block 0/);
    await expectError(block({ facts: [{ label: 'a' }] }), 'E_REPORT', /a value of block 0/);
    await expectError(block({ code: 'a', caption: 5 }), 'E_REPORT', /caption of block 0/);
  });
});

describe('tables', () => {
  it('align numbers to the right and leave what is missing blank', () => {
    const { text, html } = table(
      [
        { name: 'embedding', parameters: 32768, share: 0.7273 },
        { name: 'norm\nfinal', parameters: 64, tied: true },
      ],
      { title: 'Layers' },
    );
    expect(text.split('\n')).toEqual([
      'Layers',
      '',
      'name       parameters  share  tied',
      '─────────  ──────────  ─────  ────',
      'embedding      32,768  0.727',
      'norm               64         true',
      'final',
    ]);
    const texts = wellFormedTexts(html.replace(/<br>/g, '<br/>'));
    expect(texts).toEqual([
      'Layers',
      'name',
      'parameters',
      'share',
      'tied',
      'embedding',
      '32,768',
      '0.727',
      'norm',
      'final',
      '64',
      'true',
    ]);
  });

  it('take columns with titles, alignment and formats', () => {
    const made = table([{ a: 0.5, b: 'x' }], {
      columns: [{ key: 'a', title: 'Share', format: (value) => `${Number(value) * 100} %` }, 'b', 'toString'],
    });
    expect(`${made}`.split('\n').at(-1)).toBe(' 50 %  x');
  });

  it('escape HTML, and let no cell command the terminal', () => {
    const { text, html } = table([{ '<b>': '\x1b[31mred\x07 <i>' }]);
    expect(html).not.toMatch(/<[bi]>/);

    expect(text).not.toMatch(/[\x1b\x07]/);
  });

  it('can be empty', () => {
    expect(table([], { columns: ['a'] }).text).toBe('a\n─');
    expect(table([]).text).toBe('');
  });

  it('refuse bad input', async () => {
    await expectError(() => table('abc' as never), 'E_TABLE', /rows of table is "abc"/);
    await expectError(() => table([1] as never), 'E_TABLE', /rows of table is \[1\]/);
    await expectError(() => table([], { columns: [5] as never }), 'E_TABLE', /a column of table is 5/);
    await expectError(
      () => table([], { column: ['a'] } as never),
      'E_OPTION',
      /no option "column"; did you mean 'columns'/,
    );
  });
});
