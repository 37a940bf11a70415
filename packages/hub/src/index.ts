export { loadPretrained } from './folders/load-pretrained';
export type { LoadOptions } from './folders/load-pretrained';
export { savePretrained } from './folders/save-pretrained';
export type { SaveOptions } from './folders/save-pretrained';
