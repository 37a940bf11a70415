// Loads a folder in a process of its own; prints what the model takes and how much more memory the process ever had.
import '@tensorflow/tfjs-backend-cpu';
import { modelBytes, selectBackend } from '@tesserae/core';
import type { BackendName } from '@tesserae/core';
import { loadPretrained, savePretrained } from '@tesserae/hub';

async function main(): Promise<void> {
  const [folder, backend, small, copy] = process.argv.slice(2);
  await selectBackend({ prefer: backend as BackendName, fallback: false, log: false });
  await loadPretrained(small!); // whatever is compiled and loaded once
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const peak = (): number => process.resourceUsage().maxRSS * 1024 - before;
  const model = await loadPretrained(folder!);
  const loading = peak();
  await savePretrained(model, copy!);
  console.log(JSON.stringify({ model: modelBytes(model), loading, saving: peak() }));
}
void main();
