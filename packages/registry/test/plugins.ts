import { definePlugin } from '@tesserae/registry';

/** A kind of these tests alone. */
export interface Shape {
  area(): number;
}

declare module '@tesserae/registry' {
  interface PluginKinds {
    shape: Shape;
    colour: { readonly hue: number };
  }
}

export const square = definePlugin({
  kind: 'shape',
  name: 'square',
  package: 'shapes',
  apiVersion: 1,
  description: 'Four equal sides.',
  create: (options: { side: number }): Shape => ({ area: () => options.side ** 2 }),
});

export const circle = definePlugin({
  kind: 'shape',
  name: 'circle',
  package: 'shapes',
  apiVersion: 1,
  create: async (options?: { radius?: number }): Promise<Shape> => ({
    area: () => Math.PI * (options?.radius ?? 1) ** 2,
  }),
});

/** The same kind and name as `square`, from somebody else. */
export const rivalSquare = definePlugin({
  kind: 'shape',
  name: 'square',
  package: 'rival',
  apiVersion: 1,
  create: (): Shape => ({ area: () => -1 }),
});

export const red = definePlugin({
  kind: 'colour',
  name: 'red',
  package: 'colours',
  apiVersion: 1,
  create: () => ({ hue: 0 }),
});
