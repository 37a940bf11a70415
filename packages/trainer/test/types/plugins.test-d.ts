import { createRegistry } from '@tesserae/registry';
import { adamw, cosine, sgd } from '@tesserae/trainer';
import type { Optimizer, Schedule } from '@tesserae/trainer';
import { describe, test } from 'vitest';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(..._: Equal<A, B> extends true ? [] : [found: A, expected: B]): void;

describe('plugins of the trainer', () => {
  const kit = createRegistry([adamw, sgd, cosine]);

  test('are functions with typed options', () => {
    same<ReturnType<typeof adamw>, Optimizer>();
    same<ReturnType<typeof cosine>, Schedule>();
    adamw();
    adamw({ weightDecay: 0.1 });
    // @ts-expect-error an unknown option
    adamw({ weightdecay: 0.1 });
    // @ts-expect-error a schedule needs to know how long it is
    cosine({ learningRate: 0.1 });
  });

  test('are made by name, with the same types', async () => {
    same<Awaited<ReturnType<typeof kit.create<'optimizer', 'sgd'>>>, Optimizer>();
    await kit.create('optimizer', 'sgd', { momentum: 0.9 });
    await kit.create('schedule', 'cosine', { learningRate: 0.1, totalSteps: 10 });
    // @ts-expect-error of another optimizer
    await kit.create('optimizer', 'sgd', { beta1: 0.9 });
    // @ts-expect-error a schedule needs options
    await kit.create('schedule', 'cosine');
    // @ts-expect-error no such optimizer
    await kit.create('optimizer', 'adamv');
  });
});
