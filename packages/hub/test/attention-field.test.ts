import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  attentionSinks,
  blockSparse,
  createModel,
  llama,
  localGlobal,
  selectBackend,
  slidingWindow,
} from '@tesserae/core';
import type { AttentionPattern, Model } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';
import { beforeAll, describe, expect, it } from 'vitest';

const size = { vocabSize: 11, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2, maxPositionEmbeddings: 16 }; // prettier-ignore
const make = (attention?: AttentionPattern): Model => createModel(llama, { ...size, attention }) as unknown as Model;
const folderFor = (): string => mkdtempSync(path.join(tmpdir(), 'attention-'));
const jsonOf = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

beforeAll(() => selectBackend({ prefer: 'cpu', log: false }));

describe('the attention pattern of a saved model', () => {
  it.each([
    slidingWindow({ window: 4 }),
    localGlobal({ window: 4, globalPositions: [0, 3] }),
    blockSparse({ block: 2, seed: 9, causal: true }),
    attentionSinks({ window: 4 }),
  ])('$name comes back', async (pattern) => {
    const folder = folderFor();
    await savePretrained(make(pattern), folder);
    expect(jsonOf(folder).tesserae).toEqual({ attention: { name: pattern.name, options: pattern.options } });
    const { config } = await loadPretrained(folder);
    expect(config.attention?.name).toBe(pattern.name);
    expect(config.attention?.options).toEqual(pattern.options);
  });

  it('goes out as it came in, changed, or not at all', async () => {
    const [first, second] = [folderFor(), folderFor()];
    await savePretrained(make(slidingWindow({ window: 4 })), first);
    const model = await loadPretrained(first);
    await savePretrained(model, second);
    expect(readFileSync(path.join(second, 'config.json'))).toEqual(readFileSync(path.join(first, 'config.json')));
    const under = (attention: AttentionPattern | undefined): Model => ({
      ...model,
      config: { ...model.config, attention },
    });
    await savePretrained(under(slidingWindow({ window: 5 })), second);
    expect((await loadPretrained(second)).config.attention?.options.window).toBe(5);
    await savePretrained(under(undefined), second);
    expect(jsonOf(second)).not.toHaveProperty('tesserae');
  });

  it.each([
    [{ name: 'spiral', options: {} }, 'E_UNSUPPORTED', 'known are sliding-window, local-global'],
    [{ name: 'toString', options: {} }, 'E_UNSUPPORTED', 'known are'],
    [{ name: 'sliding-window', options: { window: -1 } }, 'E_CONFIG_FIELD', 'options that its pattern takes'],
    [{ name: 'sliding-window' }, 'E_CONFIG_FIELD', 'the name and the options of a pattern'],
    ['sliding-window', 'E_CONFIG_FIELD', 'the name and the options of a pattern'],
  ])('refuses %j', async (attention, code, message) => {
    const folder = folderFor();
    await savePretrained(make(), folder);
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...jsonOf(folder), tesserae: { attention } }));
    await expect(loadPretrained(folder)).rejects.toThrow(code);
    await expect(loadPretrained(folder)).rejects.toThrow(message);
  });
});
