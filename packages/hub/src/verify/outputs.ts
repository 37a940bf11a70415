import { hiddenStateNames } from '@tesserae/core';
import type { Model } from '@tesserae/core';
import type { Golden } from './golden';
import { tolerances } from './report';
import type { Tolerance } from './report';

/** A listed output: what the forward pass calls it, and how it is compared. */
export interface WantedOutput {
  readonly name: string;
  readonly capture: string;
  readonly tolerance: Tolerance;
  /** Which dimension runs over query positions; nothing where none does. */
  readonly queryAxis?: number | undefined;
  /** Which texts' padding counts; nothing where all positions do. */
  readonly mask?: 'attention_mask' | 'decoder_attention_mask' | undefined;
  /** Of the last dimension, this column alone. */
  readonly column?: number | undefined;
}

/** One stack of layers: what its captures begin with, how many layers it has, whose padding it sees. */
interface StackOutputs {
  readonly prefix: string;
  readonly layers: number;
  readonly mask: 'attention_mask' | 'decoder_attention_mask';
}

function stacksOf({ architecture, config }: Model): Readonly<Record<string, StackOutputs>> {
  const own = { layers: config.numHiddenLayers, mask: 'attention_mask' } as const;
  if (!architecture.encode) return { '': { prefix: '', ...own } };
  const layers = architecture.cacheShape!(config).layers;
  const encoder: StackOutputs = { prefix: 'encoder.', ...own };
  if (layers === 0) return { '': encoder };
  return { encoder_: encoder, decoder_: { prefix: 'decoder.', layers, mask: 'decoder_attention_mask' } };
}

/** What an output of golden.json is called here; nothing when it is not known. */
export function findOutput(name: string, model: Model): WantedOutput | undefined {
  const { architecture, config } = model;
  const stacks = stacksOf(model);
  const last = stacks.decoder_ ?? stacks[''];
  const output = tolerances.output;
  if (name === 'logits') {
    const sentence = config.head === 'sequence-classification';
    return { name, capture: 'logits', tolerance: output, ...(!sentence && { queryAxis: 1, mask: last.mask }) };
  }
  if ((name === 'start_logits' || name === 'end_logits') && config.head === 'question-answering') {
    const column = name === 'start_logits' ? 0 : 1;
    return { name, capture: 'logits', tolerance: output, queryAxis: 1, mask: last.mask, column };
  }
  if (name === 'pooler_output' && 'pooler' in model.params) return { name, capture: 'pooler', tolerance: output };
  const [, half, kind, index] =
    /^(encoder_|decoder_|)(hidden_states|attentions|router_logits)\.(\d+)$/.exec(name) ??
    /^(encoder_|)(last_hidden_state)()$/.exec(name) ??
    /^()(cross_attentions)\.(\d+)$/.exec(name) ??
    [];
  const stack =
    kind === 'cross_attentions' || kind === 'last_hidden_state'
      ? (stacks[half || 'decoder_'] ?? stacks[''])
      : stacks[half];
  if (!stack || kind === undefined) return undefined;
  const { prefix, layers, mask } = stack;
  const place = Number(index);
  const names = hiddenStateNames({ numHiddenLayers: layers }, { prefix, postNorm: architecture.postNorm });
  const at = `${prefix}layers.${index}`;
  const wanted = { name, tolerance: output, queryAxis: 1, mask };
  if (kind === 'last_hidden_state') return { ...wanted, capture: names[layers] };
  if (kind === 'hidden_states' && place <= layers) return { ...wanted, capture: names[place] };
  if (place >= layers) return undefined;
  if (kind === 'router_logits')
    return 'numLocalExperts' in config ? { ...wanted, capture: `${at}.router.logits`, queryAxis: 0 } : undefined;
  if (kind === 'cross_attentions' && !architecture.encode) return undefined;
  const weights = kind === 'cross_attentions' ? 'crossAttention' : 'attention';
  return { name, capture: `${at}.${weights}.weights`, tolerance: tolerances.attention, queryAxis: 2, mask };
}

/** Whether the value at a flat index belongs to a position that is no padding. */
export function atRealPositions(
  shape: readonly number[],
  { queryAxis, mask: maskName }: Pick<WantedOutput, 'queryAxis' | 'mask'>,
  { inputs }: Golden,
): (index: number) => boolean {
  const mask = maskName && (inputs.ints[maskName] as number[][] | undefined);
  if (!mask || queryAxis === undefined) return () => true;
  // router logits have one dimension for texts and positions
  const full = queryAxis === 0 ? [mask.length, mask[0].length, ...shape.slice(1)] : shape;
  const axis = Math.max(1, queryAxis);
  const perRow = full.slice(1).reduce((a, b) => a * b, 1);
  const perQuery = full.slice(axis + 1).reduce((a, b) => a * b, 1);
  return (index) => mask[Math.floor(index / perRow)][Math.floor(index / perQuery) % full[axis]] === 1;
}
