import { bartForm, marianForm } from './bart';
import { bertForm, robertaForm } from './bert';
import { distilbertForm } from './distilbert';
import type { Form } from './form';
import { gemma2Form, gemma3Form, gemmaForm } from './gemma';
import { gpt2Form } from './gpt2';
import { gptNeoxForm } from './gpt-neox';
import { llamaForm } from './llama';
import { mistralForm } from './mistral';
import { mixtralForm } from './mixtral';
import { qwen2Form, qwen3Form } from './qwen';
import { t5Form } from './t5';

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

const encoders = [bertForm, robertaForm, distilbertForm, t5Form, bartForm, marianForm];

/** All forms that can be read and written. */
export const forms = (): readonly Form[] => [...decoders, ...encoders] as unknown as readonly Form[];
