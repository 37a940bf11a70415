import { describeValue } from '@tesserae/registry';
import type { Chart } from '../charts/chart';
import { checkOptions, checkString, displayError } from '../errors/display-error';
import { escapeHtml } from '../html/escape';
import type { Displayable } from '../html/show';
import { REPORT_STYLE } from './report-style';

/** A figure in words: `{ label: 'Validation loss', value: '1.62' }`. */
export interface Fact {
  label: string;
  value: string;
  /** A few words more, in small print. */
  note?: string;
}

/** One piece of a section. Exactly one of the kinds. */
export type ReportBlock =
  /** Paragraphs; an empty line begins the next. */
  | { text: string }
  /** Figures side by side. */
  | { facts: readonly Fact[] }
  /** A chart, with a line under it. */
  | { chart: Chart; caption?: string }
  /** A table from `table(…)`, or anything else that has HTML. */
  | { item: Displayable; caption?: string }
  /** Text in which every space counts: commands, logs. */
  | { code: string; caption?: string }
  /** What a model was given and what it wrote. */
  | { passage: { prompt: string; continuation: string }; caption?: string }
  /** HTML that you made and trust: it is put in as it is. */
  | { html: string };

/** A part of the page with a heading. */
export interface ReportSection {
  title: string;
  blocks: readonly ReportBlock[];
}

/** A page. */
export interface ReportOptions {
  title: string;
  /** A line under the title. */
  subtitle?: string;
  sections: readonly ReportSection[];
  /** A line at the end, such as how and when it was made. */
  footer?: string;
  /** The language of its text. Default `'en'`. */
  language?: string;
}

const KINDS = ['text', 'facts', 'chart', 'item', 'code', 'passage', 'html'] as const;

/**
 * Makes one HTML page that needs nothing else: no scripts, no files, no network (its own policy forbids them), light or
 * dark as the reader's system is, fit for print.
 *
 * @param options `title`, `sections` of `blocks`, and optionally `subtitle`, `footer`, `language`
 * @returns the whole page, to be written to an `.html` file
 * @throws E_REPORT when a section or block is malformed; E_OPTION for an unknown option or one of the wrong kind
 *
 * @example
 * ```ts
 * import { lineChart, reportPage, table } from '@tesserae/display';
 *
 * const page = reportPage({
 *   title: 'A small model',
 *   sections: [
 *     {
 *       title: 'Training',
 *       blocks: [
 *         { facts: [{ label: 'Loss', value: '1.62' }] },
 *         { chart: await lineChart({ series: [{ name: 'loss', y: [3, 2, 1.7, 1.62] }] }), caption: 'Loss by epoch' },
 *         { item: table([{ layers: 4, heads: 4 }]) },
 *         { passage: { prompt: 'The fox', continuation: ' sat by the river.' } },
 *       ],
 *     },
 *   ],
 * });
 * console.log(page.startsWith('<!doctype html>')); // → true
 * ```
 */
export function reportPage(options: ReportOptions): string {
  checkOptions('reportPage', options, ['title', 'subtitle', 'sections', 'footer', 'language']);
  for (const name of ['title', 'subtitle', 'footer', 'language'] as const)
    checkString('reportPage', name, options[name]);
  const { title, subtitle, sections, footer, language = 'en' } = options;
  if (title === undefined) throw displayError('E_OPTION', 'reportPage has no title', 'pass a title');
  if (!Array.isArray(sections)) throw badReport(`sections is ${describeValue(sections)}`);
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:";
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(language)}">`,
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${REPORT_STYLE}</style>`,
    '</head>',
    '<body><main>',
    `<header><h1>${escapeHtml(title)}</h1>${subtitle === undefined ? '' : `<p class="subtitle">${escapeHtml(subtitle)}</p>`}</header>`,
    ...(sections as ReportSection[]).map(sectionHtml),
    footer === undefined ? '' : `<footer>${escapeHtml(footer)}</footer>`,
    '</main></body>',
    '</html>',
    '',
  ].join('\n');
}

function badReport(what: string): Error {
  return displayError(
    'E_REPORT',
    `reportPage: ${what}`,
    `a section is { title, blocks }, a block one of ${KINDS.join(', ')}`,
  );
}

function sectionHtml(section: ReportSection, index: number): string {
  if (typeof section?.title !== 'string' || !Array.isArray(section.blocks))
    throw badReport(
      `section ${index} has title ${describeValue(section?.title)} and blocks ${describeValue(section?.blocks)}`,
    );
  const blocks = section.blocks.map((block: ReportBlock, i) => blockHtml(block, `block ${i} of section ${index}`));
  return `<section><h2>${escapeHtml(section.title)}</h2>\n${blocks.join('\n')}\n</section>`;
}

function blockHtml(block: ReportBlock, where: string): string {
  const kinds = KINDS.filter((kind) => typeof block === 'object' && block !== null && kind in block);
  if (kinds.length !== 1)
    throw badReport(`${where} is ${kinds.length === 0 ? 'of no known kind' : `both ${kinds.join(' and ')}`}`);
  const text = (value: unknown, name: string): string => {
    if (typeof value !== 'string') throw badReport(`${name} of ${where} is ${describeValue(value)}, expected a string`);
    return value;
  };
  const figure = (kind: string, inner: string): string => {
    const { caption } = block as { caption?: unknown };
    const line = caption === undefined ? '' : `<figcaption>${escapeHtml(text(caption, 'caption'))}</figcaption>`;
    return `<figure class="${kind}">${inner}${line}</figure>`;
  };
  if ('text' in block) return paragraphs(text(block.text, 'text'));
  if ('html' in block) return `<div>${text(block.html, 'html')}</div>`;
  if ('code' in block) return figure('code', `<pre>${escapeHtml(text(block.code, 'code'))}</pre>`);
  if ('chart' in block) return figure('chart', `<div class="scroll">${text(block.chart?.svg, 'chart')}</div>`);
  if ('item' in block) return figure('item', `<div class="scroll">${text(block.item?.html, 'item')}</div>`);
  if ('passage' in block) {
    const { prompt, continuation } = block.passage ?? {};
    const given = escapeHtml(text(prompt, 'prompt'));
    return figure(
      'passage',
      `<blockquote><b>${given}</b>${escapeHtml(text(continuation, 'continuation'))}</blockquote>`,
    );
  }
  if (!Array.isArray(block.facts)) throw badReport(`facts of ${where} is ${describeValue(block.facts)}`);
  const facts = (block.facts as Fact[]).map(
    (fact) =>
      `<div><dt>${escapeHtml(text(fact?.label, 'a label'))}</dt><dd>${escapeHtml(text(fact.value, 'a value'))}` +
      `${fact.note === undefined ? '' : `<small>${escapeHtml(text(fact.note, 'a note'))}</small>`}</dd></div>`,
  );
  return `<dl class="facts">${facts.join('')}</dl>`;
}

function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => `<p>${escapeHtml(paragraph.trim())}</p>`)
    .join('\n');
}
