import { createKey, disposeModel, uniform } from '@tesserae/core';
import { evaluate, maskedLanguageModeling, maskedPrediction } from '@tesserae/trainer';
import { generateRiddles } from 'tesserae';
import { trainFamily } from '../families/family';
import { smallEncoder } from '../families/small-encoder';
import { wordTokenizer } from '../families/word-tokenizer';

/** How well hidden words are found in texts that were never seen, beside always saying the commonest word. */
export async function learnMasked(seed: number): Promise<Readonly<Record<string, number>>> {
  const texts = generateRiddles({ count: 3000, seed }).map(({ text }) => text);
  const [learn, test] = [texts.slice(0, 2600), texts.slice(2600)];
  const tokenizer = wordTokenizer(texts);
  const start = smallEncoder(tokenizer, seed);
  const objective = maskedLanguageModeling();
  const setting = { data: learn, objective, steps: 400, batchSize: 64, learningRate: 4e-3, seed };
  const { model } = await trainFamily(start, setting);
  const data = test.map((text, i) => hide(text, uniform(createKey(seed * 1000 + i), 64)));
  const { metrics } = await evaluate(model, maskedPrediction({ data }), {
    batchSize: 64,
    progress: false,
    resamples: 0,
  });
  const counts = new Map<string, number>();
  for (const word of learn.join(' ').split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1);
  const commonest = [...counts].sort((a, b) => b[1] - a[1])[0][0];
  const answers = data.flatMap((one) => one.answers);
  disposeModel(start);
  disposeModel(model);
  return {
    maskedAccuracy: metrics.accuracy.value,
    maskedAccuracyOfCommonest: answers.filter((word) => word === commonest).length / answers.length,
  };
}

/** 15 % of the words, at least one, hidden. */
function hide(text: string, draws: Float32Array): { text: string; answers: string[] } {
  const words = text.split(' ');
  const hidden = words.map((_, i) => draws[i] < 0.15);
  if (!hidden.includes(true)) hidden[Math.floor(draws[63] * words.length)] = true;
  return {
    text: words.map((word, i) => (hidden[i] ? '[MASK]' : word)).join(' '),
    answers: words.filter((_, i) => hidden[i]),
  };
}
