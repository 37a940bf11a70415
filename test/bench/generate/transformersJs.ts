/** Transformers.js's side of the bench, on onnxruntime-node. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { folder, installed, newTokens, prompt, threads } from './setting';
import { takeTurns } from './turns';

interface Model {
  generate(options: object): Promise<unknown>;
}
interface TransformersJs {
  env: { allowRemoteModels: boolean; localModelPath: string; useFSCache: boolean };
  AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<Model> };
  Tensor: new (type: string, data: BigInt64Array, dims: number[]) => object;
}

async function main(): Promise<void> {
  const entry = path.join(installed('transformers', '@huggingface/transformers'), 'dist', 'transformers.node.mjs');
  const { env, AutoModelForCausalLM, Tensor } = (await import(pathToFileURL(entry).href)) as TransformersJs;
  Object.assign(env, { allowRemoteModels: false, localModelPath: `${folder}/`, useFSCache: false });
  const session_options = { intraOpNumThreads: threads, interOpNumThreads: 1 };
  const model = await AutoModelForCausalLM.from_pretrained('transformersjs', { dtype: 'fp32', session_options });
  await takeTurns(async () => {
    const tokens = prompt();
    const ids: number[] = [];
    const start = performance.now();
    let first = 0;
    let begun = false;
    const streamer = {
      put([row]: bigint[][]) {
        if (!begun)
          begun = true; // the prompt
        else if (ids.push(...row.map(Number)) === 1) first = performance.now();
      },
      end: () => undefined,
    };
    await model.generate({
      input_ids: new Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
      attention_mask: new Tensor('int64', new BigInt64Array(tokens.length).fill(1n), [1, tokens.length]),
      max_new_tokens: newTokens + 1,
      do_sample: false,
      eos_token_id: null,
      streamer,
    });
    return { prefillMilliseconds: first - start, decodeMilliseconds: performance.now() - first, ids };
  });
}

void main();
