import { isTesseraeError } from '@tesserae/registry';
import { expect } from 'vitest';

/** Runs something that must fail with a code, and with a text that names what is wrong. */
export function expectError(action: () => unknown, code: string, text: RegExp): void {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  expectThrown(thrown, code, text);
}

/** The same for a promise. */
export async function expectRejection(action: () => Promise<unknown>, code: string, text: RegExp): Promise<void> {
  let thrown: unknown;
  try {
    await action();
  } catch (error) {
    thrown = error;
  }
  expectThrown(thrown, code, text);
}

function expectThrown(thrown: unknown, code: string, text: RegExp): void {
  expect(thrown, `expected ${code}, nothing was thrown`).toBeDefined();
  expect(isTesseraeError(thrown, code), `expected ${code}, found ${String(thrown)}`).toBe(true);
  expect(String((thrown as Error).message)).toMatch(text);
}
