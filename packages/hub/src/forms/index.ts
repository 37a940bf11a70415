import type { Form } from './form';
import { gemma2Form, gemma3Form, gemmaForm } from './gemma';
import { gpt2Form } from './gpt2';
import { gptNeoxForm } from './gpt-neox';
import { llamaForm } from './llama';
import { mistralForm } from './mistral';
import { mixtralForm } from './mixtral';
import { qwen2Form, qwen3Form } from './qwen';

export { findForm } from './form';
export type { Form } from './form';

const decoders = [
  gpt2Form,
  gptNeoxForm,
  llamaForm,
  mistralForm,
  qwen2Form,
  qwen3Form,
  gemmaForm,
  gemma2Form,
  gemma3Form,
  mixtralForm,
];

/** All forms that can be read and written. */
export const forms = (): readonly Form[] => decoders as unknown as readonly Form[];
