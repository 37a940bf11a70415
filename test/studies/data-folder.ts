import path from 'node:path';

/** Where the shared data is. */
export const dataFolder = (): string => process.env.TESSERAE_TEST_DATA ?? path.join('..', 'shared', 'data');
