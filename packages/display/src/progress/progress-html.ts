import { formatNumber } from '../format/numbers';
import { escapeHtml } from '../html/escape';
import { percentText } from './state';
import type { ProgressState } from './state';

const FONT = 'font:13px/1.5 system-ui,sans-serif';

/** Progress as a piece of HTML; its colours come from the page around it, light or dark. */
export function progressHtml(state: ProgressState, notes: readonly string[]): string {
  const percent = (state.fraction * 100).toFixed(1);
  const facts = state.facts
    .map(
      ([name, text]) =>
        `<span style="margin-right:1.25em;white-space:nowrap"><span style="opacity:.6">${escapeHtml(name)}</span> ` +
        `<b style="font-variant-numeric:tabular-nums">${escapeHtml(text)}</b></span>`,
    )
    .join('');
  const lines = notes.map((note) => `<div style="opacity:.75">${escapeHtml(note)}</div>`).join('');
  return (
    `<div style="${FONT};max-width:720px">` +
    `<div style="display:flex;justify-content:space-between"><span><b>${escapeHtml(state.label)}</b></span>` +
    `<span style="font-variant-numeric:tabular-nums">${state.count ?? `${formatNumber(state.step)} / ${formatNumber(state.total)}`} ` +
    `(${percentText(state)})</span></div>` +
    `<div role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="${percent}" ` +
    `style="height:6px;border-radius:3px;background:rgba(128,128,128,.25);overflow:hidden;margin:3px 0 5px">` +
    `<div style="height:100%;width:${percent}%;background:${state.done ? '#009988' : '#0077bb'}"></div></div>` +
    `<div>${facts}</div>${lines}</div>`
  );
}
