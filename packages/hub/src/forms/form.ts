import { activation } from '@tesserae/core';
import type { Architecture, ArchitectureConfig } from '@tesserae/core';
import { isTesseraeError, nearestName, tesseraeError } from '@tesserae/registry';
import type { NamingRules } from '../folders/stored-names';
import { unsupported } from './fields';
import type { ConfigJson, Fields } from './fields';
import { readHead } from './head-fields';
import type { HeadClasses } from './head-fields';

/** How one architecture stands in Hugging Face folders. */
export interface Form<C extends ArchitectureConfig = ArchitectureConfig> {
  readonly architecture: Architecture<C>;
  /** The classes in `architectures` whose weights these are, and their heads; the first one's is the usual head. */
  readonly classes: HeadClasses;
  readonly naming: NamingRules;
  /** config.json to config, with the defaults of the Hugging Face class. */
  read(fields: Fields, what: string): C;
  /** Config to the fields of config.json; `newForm` when the file has those of transformers 5. */
  write(config: C, newForm: boolean): Record<string, unknown>;
  /** The class that is written, where the head alone does not say it. */
  className?(config: C): string;
  /** The field that only files of transformers 5 have; `rope_parameters` when absent. */
  readonly newFormField?: string;
  /** Takes from the names of the stored tensors what the config leaves open. */
  fit?(config: C, names: ReadonlySet<string>, json: ConfigJson): C;
  /** The config of a model in which these stored copies, which differ from what they repeat, are weights of their own. */
  separate?(config: C, names: readonly string[]): C | undefined;
}

/** The name of an activation, refused by the field's name when there is no such function here. */
export function readActivation(fields: Fields, name: string, fallback: string, what: string): string {
  const value = fields.raw(name) ?? fallback;
  try {
    if (typeof value === 'string') activation(value);
    else throw unsupported(what, name, value, 'it must be the name of an activation');
    return value;
  } catch (error) {
    if (!isTesseraeError(error, 'E_ACTIVATION')) throw error;
    throw unsupported(what, name, value, 'there is no such activation here');
  }
}

/** Refuses what would change the numbers in any form and is not done here. */
export function refuseForeignFields(fields: Fields): void {
  fields.only('quantization_config', [], 'quantized checkpoints are not read');
  fields.only('is_encoder_decoder', [false], 'this form is a decoder alone');
  fields.only('add_cross_attention', [false], 'this form is a decoder alone');
  fields.only('pruned_heads', [{}], 'heads that were pruned away are not read');
  fields.only('output_hidden_states', [false, true], 'it must be true or false');
}

/** Picks the form by `model_type`, and refuses classes with other heads. */
export function findForm(forms: readonly Form[], json: ConfigJson, what: string): Form {
  const type = json.model_type;
  const known = forms.map(({ architecture }) => architecture.name);
  const form = forms.find(({ architecture }) => architecture.name === type);
  if (!form) {
    const near = typeof type === 'string' ? nearestName(type, known) : undefined;
    throw tesseraeError({
      package: 'hub',
      code: 'E_UNSUPPORTED',
      message: `${what}: model_type is ${JSON.stringify(type) ?? 'absent'}; known are ${known.join(', ')}`,
      fix: near ? `did you mean '${near}'?` : 'use a checkpoint of one of these',
      details: { field: 'model_type' },
    });
  }
  readHead(json.architectures, form.classes, what);
  return form;
}
