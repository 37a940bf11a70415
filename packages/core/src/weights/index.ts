export { atomicWrite, atomicWriteFolder } from './atomic-write';
export type { AtomicFile } from './atomic-write';
