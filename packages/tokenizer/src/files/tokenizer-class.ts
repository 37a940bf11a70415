import { specialTokenJson } from '../byte-level/build-json';
import type { AddedTokenJson, TokenizerJson } from '../interface/tokenizer-json';
import { tokenizerError } from '../errors/tokenizer-error';
import { jsonError } from '../tokenizer-json/check';

/** What a class of `transformers` does that its vocabulary file does not say. */
export type TokenizerClass = 'T5' | 'Llama' | 'XLMRoberta' | 'Roberta';

const byName: Readonly<Record<string, TokenizerClass>> = {
  T5: 'T5',
  MT5: 'T5',
  Llama: 'Llama',
  CodeLlama: 'Llama',
  Gemma: 'Llama',
  XLMRoberta: 'XLMRoberta',
  Roberta: 'Roberta',
  Bart: 'Roberta',
};
const byModel: Readonly<Record<string, TokenizerClass>> = {
  t5: 'T5',
  mt5: 'T5',
  llama: 'Llama',
  mistral: 'Llama',
  mixtral: 'Llama',
  gemma: 'Llama',
  gemma2: 'Llama',
  gemma3_text: 'Llama',
  'xlm-roberta': 'XLMRoberta',
  roberta: 'Roberta',
  bart: 'Roberta',
};

/** Classes whose ids, special tokens or normalization are not those of their `.model` file, in ways that are not known here. */
const otherwise: Readonly<Record<string, string>> = {
  Albert: 'albert',
  Barthez: '',
  BigBird: 'big_bird',
  Camembert: 'camembert',
  Cpm: '',
  DebertaV2: 'deberta-v2',
  ErnieM: 'ernie_m',
  FNet: 'fnet',
  LayoutXLM: '',
  M2M100: 'm2m_100',
  MBart: 'mbart',
  MBart50: '',
  MLuke: '',
  Nllb: 'nllb-moe',
  Pegasus: 'pegasus',
  PLBart: 'plbart',
  RemBert: 'rembert',
  SeamlessM4T: 'seamless_m4t',
  Speech2Text: 'speech_to_text',
  SpeechT5: 'speecht5',
  Udop: 'udop',
  XGLM: 'xglm',
  XLMProphetNet: 'xlm-prophetnet',
  XLNet: 'xlnet',
};

const shortName = (className: unknown): string =>
  typeof className === 'string' ? className.replace(/Tokenizer(?:Fast)?$/, '') : '';

/**
 * Refuses a `.model` file alone where its class gives other ids than the file.
 *
 * @throws E_TOKENIZER_JSON with the name of the class
 */
export function refuseOtherIds(className: unknown, modelType: unknown): void {
  const name = shortName(className);
  const generic = name === '' || name === 'PreTrained';
  const found = generic
    ? Object.keys(otherwise).find((one) => otherwise[one] !== '' && otherwise[one] === modelType)
    : Object.keys(otherwise).find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined) return;
  throw tokenizerError(
    'E_TOKENIZER_JSON',
    `the ids of ${found}Tokenizer are not those of its .model file`,
    'use the tokenizer.json of the model; in Python, AutoTokenizer.from_pretrained(…).save_pretrained(…) writes it',
  );
}

/** The class that `tokenizer_config.json` names, or else the one that goes with the model. */
export function tokenizerClass(className: unknown, modelType: unknown): TokenizerClass | undefined {
  const name = shortName(className);
  if (Object.hasOwn(byName, name)) return byName[name];
  const generic = name === '' || name === 'PreTrained';
  return generic && typeof modelType === 'string' && Object.hasOwn(byModel, modelType) ? byModel[modelType] : undefined;
}

/** T5's tokens for masked spans stand after the pieces, the last one first. */
export function withSpanTokens(json: TokenizerJson, count: unknown): TokenizerJson {
  const size = (json.model.vocab as unknown[]).length;
  const extra = typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= 10_000 ? count : 100;
  const spans = Array.from({ length: extra }, (_, i) => specialTokenJson(`<extra_id_${extra - 1 - i}>`, size + i));
  return { ...json, added_tokens: [...(json.added_tokens ?? []), ...spans] };
}

/** XLM-RoBERTa's ids are not those of its file: fairseq's four tokens stand in front, `<mask>` after the rest. */
export function inFairseqOrder(json: TokenizerJson): TokenizerJson {
  const { vocab } = json.model;
  if (!Array.isArray(vocab)) throw jsonError('the model of XLM-RoBERTa is BPE, expected Unigram');
  const front = ['<s>', '<pad>', '</s>', '<unk>'];
  const scored = [...front.map((token): [string, number] => [token, 0]), ...vocab.slice(3)];
  const added = [...front.map(specialTokenJson), { ...specialTokenJson('<mask>', scored.length), lstrip: true }];
  const model = { ...json.model, unk_id: 3, vocab: [...scored, ['<mask>', 0]] as [string, number][] };
  return surrounded({ ...json, added_tokens: added, model }, false);
}

/** RoBERTa and BART are GPT-2's tokens and `<s> text </s>`. */
export function asRoberta(json: TokenizerJson): TokenizerJson {
  const vocab = json.model.vocab as Record<string, number>;
  const names = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'].filter((token) => Object.hasOwn(vocab, token));
  const added = names.map((token) => ({ ...specialTokenJson(token, vocab[token]), lstrip: token === '<mask>' }));
  return surrounded({ ...json, added_tokens: added }, true);
}

function surrounded(json: TokenizerJson, trim: boolean): TokenizerJson {
  const idOf = (token: string): number => {
    const found = json.added_tokens!.find(({ content }) => content === token);
    if (!found) throw jsonError(`the vocabulary has no token ${JSON.stringify(token)}`);
    return found.id;
  };
  const sides = { cls: ['<s>', idOf('<s>')], sep: ['</s>', idOf('</s>')] };
  return {
    ...json,
    post_processor: { type: 'RobertaProcessing', ...sides, trim_offsets: trim, add_prefix_space: false },
  };
}

/** Tokens that were added after the vocabulary was made: `added_tokens_decoder`, or `added_tokens.json` of old folders. */
export function withAddedTokens(json: TokenizerJson, decoder: unknown, old: unknown): TokenizerJson {
  const byId = new Map((json.added_tokens ?? []).map((token) => [token.id, token]));
  for (const [content, id] of entriesOf(old, 'added_tokens.json'))
    if (!byId.has(id as number)) byId.set(id as number, { id: id as number, content, special: false });
  for (const [id, token] of entriesOf(decoder, 'added_tokens_decoder')) {
    if (typeof token !== 'object' || token === null) throw jsonError(`added_tokens_decoder[${id}] is no object`);
    byId.set(Number(id), { ...(token as AddedTokenJson), id: Number(id) }); // checked when the tokenizer is made
  }
  return { ...json, added_tokens: [...byId.values()].sort((a, b) => a.id - b.id) };
}

function entriesOf(value: unknown, name: string): [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
  throw jsonError(`${name} is no object`);
}
