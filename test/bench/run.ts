/** `npm run bench -- NAME [--json] [--rounds N]`: ours and each peer, interleaved in one call, medians. */
import { parseArgs } from 'node:util';
import { table } from '@tesserae/display';
import { binding } from './binding/bench';
import { compileBench } from './compile/bench';
import { data } from './data/bench';
import { generateBench } from './generate/bench';
import { loopBench } from './loop/bench';
import { packing } from './packing/bench';
import { tokenizer } from './tokenizer/bench';
import { train } from './train/bench';
import type { Bench, Row } from './bench';

const benches: Record<string, Bench> = {
  binding,
  compile: compileBench,
  data,
  generate: generateBench,
  loop: loopBench,
  packing,
  tokenizer,
  train,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '6' } },
  });
  const name = positionals[0] ?? '';
  const bench = benches[name];
  if (!bench) {
    console.error(`there is no bench '${name}'; known: ${Object.keys(benches).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { rows, absent, notes } = await bench({ rounds: Number(values.rounds), say });
  for (const { peer, reason } of absent) say(`absent: ${peer} (${reason})`);
  for (const note of notes) say(note);
  say(table(rows.map(shown)).text);
  if (values.json) console.log(JSON.stringify({ bench: name, rows, absent }));
}

/** A row with its numbers as a person reads them. */
const shown = (row: Row): Record<string, string> =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(4)).toLocaleString('en') : String(value),
    ]),
  );

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
