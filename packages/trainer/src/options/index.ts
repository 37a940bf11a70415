export { oneOf, optionRules as rules, required } from '@tesserae/registry';
export type { OptionRule, OptionRules } from '@tesserae/registry';
export { checkOptions } from './check-options';
