/** The two functions of a test runner that contracts use: Vitest, Jest and `node:test` all have them. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => void | Promise<void>): unknown;
}
