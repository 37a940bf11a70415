// A short program through every part of the runtime, for valgrind: it is copied beside runtime.cjs and models.cjs.
const { loadRuntime } = require('./runtime.cjs');
const { copies, doubling, makeModel } = require('./models.cjs');

const runs = Number(process.argv[2] ?? 30);
const runtime = loadRuntime({ prefer: 'c-api' });
const value = (length, fill = 0) => runtime.createValue(new Float32Array(length).fill(fill), [length], 'float32');
const mustFail = (action, code) => {
  try {
    action();
  } catch (error) {
    if (error.code === code) return;
    throw error;
  }
  throw new Error(`expected ${code}`);
};

async function main() {
  const session = runtime.createSession(doubling(), { threads: 1 });
  const [x, y] = [value(4, 3), value(4)];
  const binding = session.createBinding({ x }, { y });
  for (let index = 0; index < runs; index += 1) {
    x.data[0] = index;
    binding.run();
    if (y.data[0] !== 2 * index) throw new Error(`run ${index} gave ${y.data[0]}`);
    x.data[1] = index;
    await binding.runAsync(index % 2 === 0 ? {} : { signal: new AbortController().signal });
    if (y.data[1] !== 2 * index) throw new Error(`asynchronous run ${index} gave ${y.data[1]}`);
    const [a, b] = [value(4, index), value(4)];
    binding.setInput('x', a);
    binding.setOutput('y', b);
    binding.run();
    binding.setInput('x', x);
    binding.setOutput('y', y);
    a.dispose();
    if (index % 10 === 0) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  // Bad input.
  const open = runtime.createSession(doubling(['n']), { threads: 1 });
  mustFail(() => open.createBinding({ x: value(5) }, { y: value(2) }).run(), 'E_RUNTIME_ARGUMENT');
  mustFail(() => runtime.createSession(Uint8Array.of(1, 2, 3)), 'E_MODEL_INVALID');
  mustFail(() => runtime.createSession(doubling().subarray(0, 40)), 'E_MODEL_INVALID');
  open.createBinding({ x: value(0) }, { y: value(0) }).run();
  // Initializers, several outputs, things forgotten.
  const weighted = makeModel({
    nodes: [{ opType: 'Mul', inputs: ['x', 'w'], outputs: ['z'] }],
    inputs: [{ name: 'x', dims: [2] }],
    outputs: [{ name: 'z', dims: [2] }],
    initializers: [{ name: 'w', dims: [2], data: Float32Array.of(7, 8) }],
  });
  const shared = runtime.createSession(weighted, { threads: 1, initializers: { w: value(2, 5) } });
  const z = value(2);
  shared.createBinding({ x: value(2, 2) }, { z }).run();
  if (z.data[1] !== 10) throw new Error(`the initializer gave ${z.data[1]}`);
  const many = runtime.createSession(copies(100, 8), { threads: 1 });
  const outputs = Object.fromEntries(many.outputNames.map((name) => [name, value(100)]));
  many.createBinding({ x: value(100, 1) }, outputs).run();
  for (let round = 0; round < 3; round += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  many.dispose();
  session.dispose();
  console.log(`exercised: ${runs} × 3 runs`);
}
main();
