/** Makes the outputs of a cell out of what the kernel publishes. */
import { linesOf } from './notebook';
import type { CellOutput, MimeBundle } from './notebook';
import type { Listener } from './kernel';

type Shown = Extract<CellOutput, { output_type: 'display_data' }>;

/** Displays by id: a later cell, or a live chart, may draw one anew where it stands. */
export type Displays = Map<string, Shown[]>;

export interface OutputCollector {
  readonly listener: Listener;
  /** All that went to stderr; tslab reports errors there. */
  stderr(): string;
  /** The outputs in the form that they have in a file. */
  finish(): CellOutput[];
}

/** Collects the outputs of one cell. */
export function collectOutputs(displays: Displays): OutputCollector {
  const outputs: CellOutput[] = [];
  let clearBeforeNext = false;
  let stderr = '';
  const add = (output: CellOutput): void => {
    if (clearBeforeNext) outputs.length = 0;
    clearBeforeNext = false;
    const last = outputs.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name)
      last.text = `${last.text as string}${output.text as string}`;
    else outputs.push(output);
  };
  const display = ({ data, metadata, transient }: DisplayContent): void => {
    const output: Shown = { output_type: 'display_data', data: inLines(data), metadata: metadata ?? {} };
    add(output);
    const id = transient?.display_id;
    if (id !== undefined) displays.set(id, [...(displays.get(id) ?? []), output]);
  };
  const listener: Listener = (type, content) => {
    if (type === 'stream') {
      const { name, text } = content as { name: 'stdout' | 'stderr'; text: string };
      if (name === 'stderr') stderr += text;
      add({ output_type: 'stream', name, text });
    } else if (type === 'display_data') {
      display(content as unknown as DisplayContent);
    } else if (type === 'update_display_data') {
      const { data, metadata, transient } = content as unknown as DisplayContent;
      for (const shown of displays.get(transient?.display_id ?? '') ?? [])
        Object.assign(shown, { data: inLines(data), metadata: metadata ?? {} });
    } else if (type === 'clear_output') {
      if (content.wait === true) clearBeforeNext = true;
      else outputs.length = 0;
    }
  };
  return {
    listener,
    stderr: () => stderr,
    finish: () =>
      outputs.map((output) =>
        output.output_type === 'stream' ? { ...output, text: linesOf(asSeen(output.text as string)) } : output,
      ),
  };
}

interface DisplayContent {
  readonly data: Record<string, string | object>;
  readonly metadata?: object;
  readonly transient?: { readonly display_id?: string };
}

/** Text that a terminal would show: a carriage return begins the line anew, escape sequences are colours. */
const asSeen = (text: string): string => text.replace(/[^\n]*\r(?!\n)/g, '');

const inLines = (data: DisplayContent['data']): MimeBundle =>
  Object.fromEntries(
    Object.entries(data).map(([type, value]) => [
      type,
      typeof value === 'string' && !/^image\/(png|jpe?g|gif)$/.test(type) ? linesOf(value) : value,
    ]),
  );
