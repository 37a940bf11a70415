export { loadPretrained } from './folders/load-pretrained';
export type { LoadOptions } from './folders/load-pretrained';
export { savePretrained } from './folders/save-pretrained';
export type { SaveOptions } from './folders/save-pretrained';
export { verifyCheckpoint } from './verify/verify-checkpoint';
export type { VerifyOptions } from './verify/verify-checkpoint';
export type { VerifyReport, VerifyRow } from './verify/report';
