export { checkOptions, oneOf, required, rules, shown } from './check-options';
export type { OptionRule, OptionRules } from './check-options';
