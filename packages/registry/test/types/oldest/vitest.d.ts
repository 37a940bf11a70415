/** Stands in for vitest, whose own types need a newer compiler: the type tests only use these two. */
export declare function describe(name: string, suite: () => void): void;
export declare function test(name: string, body: () => void): void;
