import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { disposeModel, generateText, releaseGenerationPrograms, selectBackend } from '@tesserae/core';
import type { LlamaConfig, Model } from '@tesserae/core';
import { loadLlama2c, loadPretrained, saveLlama2c, savePretrained } from '@tesserae/hub';
import type { Study, StudyResult } from '../study';

const NEW_TOKENS = 200;
const SHARD_BYTES = 200_000;

/** A way to put the model on the disk and to get it back. */
interface Format {
  readonly name: string;
  roundTrip(model: Model<LlamaConfig>, at: string): Promise<Model>;
}

const formats: readonly Format[] = [
  {
    name: 'Safetensors',
    async roundTrip(model, at) {
      await savePretrained(model, at);
      return loadPretrained(at);
    },
  },
  {
    name: 'Shards',
    async roundTrip(model, at) {
      await savePretrained(model, at, { maxShardBytes: SHARD_BYTES });
      return loadPretrained(at);
    },
  },
  ...([0, 1] as const).map((version): Format => ({
    name: `Llama2cVersion${version}`,
    async roundTrip(model, at) {
      await saveLlama2c(model, `${at}.bin`, { version });
      return (await loadLlama2c(`${at}.bin`, { tokenizer: model.tokenizer })) as unknown as Model;
    },
  })),
  {
    // out as a Hugging Face folder, in, and out again as what it was
    name: 'ThereAndBack',
    async roundTrip(model, at) {
      await savePretrained(model, at);
      const folder = await loadPretrained(at);
      await saveLlama2c(folder as unknown as Model<LlamaConfig>, `${at}.bin`);
      disposeModel(folder);
      return (await loadLlama2c(`${at}.bin`, { tokenizer: folder.tokenizer })) as unknown as Model;
    },
  },
];

async function tell(model: Model): Promise<{ text: string; tokensPerSecond: number }> {
  const options = { maxNewTokens: NEW_TOKENS, temperature: 0 };
  await generateText(model, '', { ...options, maxNewTokens: 2 }); // compiles
  const start = performance.now();
  const text = await generateText(model, '', options);
  return { text, tokensPerSecond: NEW_TOKENS / ((performance.now() - start) / 1000) };
}

/**
 * The trained model of 260 thousand parameters that llama2.c tells stories with: does it say to the letter what llama2.c
 * published, from the files as they came and after each way of saving it?
 */
export const stories: Study = async ({ folder, say }): Promise<StudyResult> => {
  const source = path.join(process.env.TESSERAE_TEST_DATA ?? '../shared/data', 'weights', 'stories260K');
  const checkpoint = path.join(source, 'stories260K.bin');
  if (!existsSync(checkpoint)) {
    const reason = `there is no ${checkpoint}`;
    return { figures: {}, wanted: {}, absent: [{ what: 'the stories model', reason }], files: [] };
  }
  await selectBackend({ log: say });
  const published = readFileSync(path.join(source, 'expected_greedy_200.txt'), 'utf8').replace(/\n$/, '');
  const model = await loadLlama2c(checkpoint);
  const first = await tell(model as unknown as Model);
  say(`\n${first.text}\n`);
  const figures: Record<string, number> = { exactTextImported: Number(first.text === published) };
  for (const { name, roundTrip } of formats) {
    const at = path.join(folder, name);
    rmSync(at, { recursive: true, force: true });
    const back = await roundTrip(model, at);
    figures[`exactText${name}`] = Number((await tell(back)).text === published);
    disposeModel(back);
  }
  const wanted = Object.fromEntries(Object.keys(figures).map((name) => [name, { atLeast: 1 }]));
  releaseGenerationPrograms();
  disposeModel(model);
  return { figures: { ...figures, tokensPerSecond: first.tokensPerSecond }, wanted, absent: [], files: [folder] };
};
