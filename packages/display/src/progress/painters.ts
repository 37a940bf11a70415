import cliProgress from 'cli-progress';
import { notebookOf, standardStream, writeSafely } from '../environment/output';
import type { Environment, Output, OutputStream } from '../environment/output';
import { progressHtml } from './progress-html';
import { factsText, percentText, plainLine } from './state';
import type { ProgressState } from './state';

/** Draws progress somewhere. */
export interface ProgressPainter {
  /** Draws the state, or leaves it out when it drew a moment ago. */
  paint(state: () => ProgressState): void;
  /** Writes a line that stays, above the bar. */
  note(line: string): void;
  /** Draws the last state. */
  finish(state: ProgressState): void;
}

export interface PainterSettings {
  output: Output;
  now: () => number;
  /** Milliseconds between drawings: of the notebook, and between plain lines. */
  notebookMilliseconds: number;
  plainMilliseconds: number;
}

/** The painter for where output goes. */
export function createPainter(where: Environment, settings: PainterSettings): ProgressPainter {
  if (where === 'notebook') return notebookPainter(settings);
  const stream = settings.output.stream ?? standardStream('stderr');
  return where === 'terminal' && stream ? terminalPainter(stream) : plainPainter(stream, settings);
}

function notebookPainter({ output, now, notebookMilliseconds }: PainterSettings): ProgressPainter {
  const notebook = notebookOf(output);
  const view = notebook?.newDisplay();
  const notes: string[] = [];
  let drawn = -Infinity;
  const draw = (state: ProgressState): void => {
    try {
      view?.html(progressHtml(state, notes));
    } catch {
      // the notebook is closing
    }
  };
  return {
    paint(state) {
      if (now() - drawn < notebookMilliseconds) return;
      drawn = now();
      draw(state());
    },
    note: (line) => void notes.push(line),
    finish: draw,
  };
}

function plainPainter(stream: OutputStream | undefined, { now, plainMilliseconds }: PainterSettings): ProgressPainter {
  let drawn = -Infinity;
  let last = '';
  const draw = (line: string): void => {
    if (line !== last) writeSafely(stream, `${line}\n`);
    last = line;
  };
  return {
    paint(state) {
      if (now() - drawn < plainMilliseconds) return;
      drawn = now();
      draw(plainLine(state()));
    },
    note: (line) => writeSafely(stream, `${line}\n`),
    finish: (state) => draw(plainLine(state)),
  };
}

/** Narrower than this there is no room for a bar. */
const NARROW_COLUMNS = 50;

/** One line of a terminal, as wide as it is. */
function terminalLine(state: ProgressState, columns: number): string {
  const head = `${state.label} `;
  const count = ` ${percentText(state).padStart(5)} ${state.count ?? `${state.step}/${state.total}`} `;
  const size = columns < NARROW_COLUMNS ? 0 : Math.min(30, Math.max(8, Math.floor(columns / 5)));
  const full = Math.round(state.fraction * size);
  const bar = '━'.repeat(full) + '╌'.repeat(size - full);
  const line = head + bar + count;
  const room = columns - 1 - [...line].length;
  return [...(line + factsText(state, room))].slice(0, columns - 1).join('');
}

function terminalPainter(stream: OutputStream): ProgressPainter {
  let latest: (() => ProgressState) | undefined;
  const columns = (): number => stream.columns || 80;
  const write = (text: string): void => writeSafely(stream, text);
  const nothing = (): void => {};
  // Only what a single line needs: saving and restoring the cursor would lose its place when notes scroll by.
  const terminal = {
    isTTY: () => true,
    getWidth: columns,
    write,
    newline: () => write('\n'),
    cursorTo: () => write('\r'),
    clearRight: () => write('\x1b[K'),
    clearLine: () => write('\x1b[2K'),
    cursorSave: nothing,
    cursorRestore: nothing,
    cursorRelative: nothing,
    cursorRelativeReset: nothing,
    cursor: nothing,
    clearBottom: nothing,
    lineWrapping: nothing,
  };
  /** The library redraws on a timer, which must not keep a program alive whose training failed. */
  class Bar extends cliProgress.SingleBar {
    override render(): void {
      (cliProgress.SingleBar.prototype as unknown as { render(): void }).render.call(this);
      (this as unknown as { timer?: { unref?(): void } | null }).timer?.unref?.();
    }
  }
  let bar: Bar | undefined;
  const start = (): Bar => {
    const made = new Bar({
      terminal,
      fps: 10,
      gracefulExit: false, // Ctrl-C belongs to the program
      format: () => (latest ? terminalLine(latest(), columns()) : ''),
    } as unknown as ConstructorParameters<typeof cliProgress.SingleBar>[0]);
    made.start(1, 0);
    return made;
  };
  return {
    paint(state) {
      latest = state;
      if (bar) bar.update(0);
      else bar = start();
    },
    note(line) {
      write(`\r\x1b[K${line}\n`);
      bar?.render();
    },
    finish(state) {
      latest = () => state;
      bar ??= start();
      bar.stop();
    },
  };
}
