import type { Form } from './form';
import { gpt2Form } from './gpt2';
import { llamaForm } from './llama';

export { findForm } from './form';
export type { Form } from './form';

/** All forms that can be read and written. */
export const forms = (): readonly Form[] => [gpt2Form, llamaForm] as unknown as readonly Form[];
