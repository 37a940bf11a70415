import { displayError } from '../errors/display-error';
import { escapeHtml } from '../html/escape';

/** A finished chart. */
export interface Chart {
  /** The drawing, as a whole SVG document that can also stand inside HTML. */
  readonly svg: string;
  /** The drawing in a frame that shrinks with the page, for notebooks and pages. */
  readonly html: string;
  /** What the drawing shows, in a sentence. */
  readonly description: string;
  /** The Vega-Lite specification that it was drawn from. */
  readonly specification: Readonly<Record<string, unknown>>;
}

/** A part of a Vega-Lite specification. */
export type VegaLite = Record<string, unknown>;

/** Colours that stay apart for colour-blind eyes (Paul Tol's "vibrant"), on light and on dark pages. */
export const SERIES_COLORS = ['#0077bb', '#ee7733', '#009988', '#cc3311', '#33bbee', '#ee3377', '#999933', '#aa4499'];

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const INK = 'currentColor'; // text and lines take the page's own colour, light or dark

const CONFIG: VegaLite = {
  background: 'transparent',
  aria: false, // the drawing has one label as a whole; a label for each mark would be most of the file
  font: FONT,
  padding: 8,
  view: { stroke: null },
  title: { anchor: 'start', color: INK, fontSize: 15, fontWeight: 600, offset: 12, subtitleColor: INK },
  axis: {
    labelColor: INK,
    titleColor: INK,
    titleFontWeight: 500,
    titleFontSize: 12,
    labelFontSize: 11,
    labelOpacity: 0.8,
    titlePadding: 8,
    domainColor: INK,
    domainOpacity: 0.3,
    tickColor: INK,
    tickOpacity: 0.3,
    gridColor: INK,
    gridOpacity: 0.12,
  },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 12,
    titleFontSize: 12,
    symbolStrokeWidth: 3,
    symbolSize: 160,
    labelLimit: 260,
  },
  header: { labelColor: INK, titleColor: INK, labelFontSize: 12, labelFontWeight: 600 },
  range: { category: SERIES_COLORS },
};

interface VegaModule {
  parse(specification: unknown): unknown;
  View: new (runtime: unknown, options: unknown) => { toSVG(): Promise<string>; finalize(): void };
  Warn: number;
}

interface Libraries {
  vega: VegaModule;
  compile: (specification: unknown, options: unknown) => { spec: unknown };
}

let libraries: Promise<Libraries> | undefined;

/** Vega and Vega-Lite, loaded when the first chart is drawn. */
function loadLibraries(): Promise<Libraries> {
  libraries ??= Promise.all([import('vega'), import('vega-lite')]).then(([vega, vegaLite]) => ({
    vega: unwrap<VegaModule>(vega),
    compile: unwrap<{ compile: Libraries['compile'] }>(vegaLite).compile,
  }));
  return libraries.catch((cause: unknown) => {
    libraries = undefined;
    throw displayError(
      'E_CHART_LIBRARY',
      `vega and vega-lite cannot be loaded (${cause instanceof Error ? cause.message : String(cause)})`,
      'install vega 5 and vega-lite 5 (versions 6 cannot be loaded by require)',
      { cause },
    );
  });
}

/** A CommonJS module that was imported has everything under `default`. */
function unwrap<T>(module: unknown): T {
  return ((module as { default?: T }).default ?? module) as T;
}

/** Draws a specification. */
export async function drawChart(specification: VegaLite, description: string): Promise<Chart> {
  const { vega, compile } = await loadLibraries();
  const whole: VegaLite = {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    description,
    config: CONFIG,
    ...specification,
  };
  let svg: string;
  try {
    const silent = { level: () => silent, warn: () => silent, info: () => silent, debug: () => silent, error: rethrow };
    const view = new vega.View(vega.parse(compile(whole, { logger: silent }).spec), {
      renderer: 'none',
      logger: silent,
    });
    svg = await view.toSVG();
    view.finalize();
  } catch (cause) {
    throw displayError(
      'E_CHART_LIBRARY',
      `the chart cannot be drawn (${cause instanceof Error ? cause.message : String(cause)})`,
      'check the values that it was given',
      { cause },
    );
  }
  const drawn = withOwnIds(accessible(shorter(svg), description));
  return {
    svg: drawn,
    html: `<figure style="margin:0;max-width:100%;overflow-x:auto">${drawn.replace('<svg ', '<svg style="max-width:100%;height:auto" ')}</figure>`,
    description,
    specification: whole,
  };
}

function rethrow(...messages: unknown[]): never {
  throw messages[0] instanceof Error ? messages[0] : new Error(messages.map(String).join(' '));
}

/** Hundredths of a pixel and thousandths of an opacity are enough, and half the file. */
function shorter(svg: string): string {
  const round = (digits: number) => (text: string) =>
    text.replace(/-?\d+\.\d+/g, (value) => String(Number(Number(value).toFixed(digits))));
  return svg
    .replace(/ (?:d|transform|x|y|x1|x2|y1|y2|width|height)="[^"]*"/g, round(2))
    .replace(/rgba\([^)]*\)/g, round(3));
}

function accessible(svg: string, description: string): string {
  const label = escapeHtml(description);
  return svg.replace(
    /<svg ([^>]*)>/,
    (_, attributes: string) => `<svg ${attributes} role="img" aria-label="${label}">`,
  );
}

/**
 * Gives a drawing ids that no other has. Vega counts them over all drawings of a process; pages count them over all
 * drawings on the page, where the second `gradient_0` would be painted with the first. So they are numbered anew, after
 * a prefix made of the drawing itself: the same chart is always the same text.
 */
function withOwnIds(svg: string): string {
  const ids = [...new Set(Array.from(svg.matchAll(/\sid="([^"]+)"/g), (match) => match[1]))];
  const renamed = (prefix: string): string => {
    const name = (id: string): string => (ids.includes(id) ? `${prefix}${ids.indexOf(id)}` : id);
    return svg
      .replace(/(\sid=")([^"]+)"/g, (_, start: string, id: string) => `${start}${name(id)}"`)
      .replace(/url\(#([^)]+)\)/g, (_, id: string) => `url(#${name(id)})`)
      .replace(/href="#([^"]+)"/g, (_, id: string) => `href="#${name(id)}"`);
  };
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of renamed('')) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return renamed(`c${(hash >>> 0).toString(36)}-`);
}
