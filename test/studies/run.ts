/** `npm run study -- NAME [--json] [--seed N] [--part PART]`: a seeded experiment with its table and chart, held to what is wanted of it. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '@tesserae/display';
import { augmentation } from './augmentation/study';
import { domainAdaptation } from './domain-adaptation/study';
import { families } from './families/study';
import { fuzzing } from './fuzzing/study';
import { loraStudy } from './lora/study';
import { memoryStudy } from './memory/study';
import { mixedPrecisionStudy } from './mixed-precision/study';
import { multiTaskStudy } from './multi-task/study';
import { preferences } from './preferences/study';
import { shakespeare } from './shakespeare/study';
import { sparseAttention } from './sparse-attention/study';
import { stories } from './stories/study';
import { bound, keeps } from './study';
import type { Study, StudyResult } from './study';

const studies: Record<string, Study> = {
  augmentation,
  'domain-adaptation': domainAdaptation,
  families,
  fuzzing,
  lora: loraStudy,
  memory: memoryStudy,
  'mixed-precision': mixedPrecisionStudy,
  'multi-task': multiTaskStudy,
  preferences,
  shakespeare,
  'sparse-attention': sparseAttention,
  stories,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, seed: { type: 'string' }, part: { type: 'string' } },
  });
  const name = positionals[0] ?? '';
  const study = Object.hasOwn(studies, name) ? studies[name] : undefined;
  if (!study) {
    console.error(`there is no study '${name}'; known: ${Object.keys(studies).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const { part } = values;
  if (part !== undefined && !study.parts?.includes(part)) {
    console.error(`${name} has no part '${part}'; known: ${study.parts?.join(', ') ?? 'none'}`);
    process.exitCode = 2;
    return;
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const folder = path.join('out', 'studies', name);
  mkdirSync(folder, { recursive: true });
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  const result = await study({ folder, say, seed, part });
  const pass = report(result, say);
  const { figures, wanted, absent } = result;
  const bounds = Object.fromEntries(Object.entries(wanted).map(([figure, one]) => [figure, bound(one)]));
  if (values.json)
    console.log(JSON.stringify({ study: name, ...(part && { part }), figures, wanted: bounds, absent, pass }));
  if (!pass) process.exitCode = 1;
}

/** Says what was found. @returns whether every figure keeps its bound */
function report({ figures, wanted, absent, files }: StudyResult, say: (line: string) => void): boolean {
  const names = [...new Set([...Object.keys(figures), ...Object.keys(wanted)])];
  const rows = names.map((figure) => {
    const limit = Object.hasOwn(wanted, figure) ? wanted[figure] : undefined;
    return {
      figure,
      value: figures[figure] === undefined ? 'not measured' : String(Number(figures[figure].toPrecision(5))),
      wanted: limit && bound(limit),
      kept: limit && (keeps(figures[figure], limit) ? 'yes' : 'NO'),
    };
  });
  say(`\n${table(rows).text}\n`);
  for (const { what, reason } of absent) say(`absent: ${what} (${reason})`);
  for (const file of files) say(`written: ${file}`);
  return Object.entries(wanted).every(([figure, limit]) => keeps(figures[figure], limit));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
