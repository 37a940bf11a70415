import type { ForwardOptions, Params } from '../types';
import { isWeightForm, weightOperations } from '../weight';
import { mapParams } from '../params';

/** Sites of forms begin here, past those that an architecture counts. */
const FIRST_SITE = 1024;

/** Switches on the dropout of weight forms for a forward pass that trains; other trees come back as they are. */
export function seedForms<C>(params: Params, { training, key }: ForwardOptions<C>): Params {
  if (!training || key === undefined) return params;
  let site = FIRST_SITE;
  let any = false;
  const seeded = mapParams(params, (weight) => {
    const seed = isWeightForm(weight) ? weightOperations(weight).withDropout : undefined;
    if (!seed) return weight;
    any = true;
    const own = seed(weight as never, key, site);
    site += 4; // forms may stand in forms
    return own;
  });
  return any ? seeded : params;
}
