import os from 'node:os';
import { disposeModel, selectBackend, summary } from '@tesserae/core';
import type { BackendName } from '@tesserae/core';
import { formatBytes } from '@tesserae/display';
import type { Command } from 'commander';
import { backendFacts } from './context';
import type { CommandContext } from './context';
import { loadModel, MODEL_WORDS } from './load-model';

/** `tesserae info`: what this machine computes with, and what is in a model. */
export function addInfo(program: Command, context: CommandContext): void {
  program
    .command('info')
    .description('what computes here and why, and what a model holds')
    .argument('[model]', MODEL_WORDS)
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON')
    .action(async (source: string | undefined, flags: { backend?: string; json?: boolean }) => {
      const backend = await selectBackend({
        log: false,
        ...(flags.backend && { prefer: flags.backend as BackendName }),
      });
      const machine = {
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
        cores: os.availableParallelism(),
        memoryBytes: os.totalmem(),
      };
      const model = source === undefined ? undefined : await loadModel(source, context);
      const facts = model && summary(model);
      if (model) disposeModel(model);
      if (flags.json)
        return context.out(JSON.stringify({ machine, backend: backendFacts(backend), ...(facts && { model: facts }) }));
      context.out(
        `Node ${machine.node} on ${machine.platform}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}`,
      );
      context.out(backend.line);
      for (const { name, why, fix } of backend.tried) context.out(`  ${name}: ${why}${fix ? `; ${fix}` : ''}`);
      if (facts) context.out(`\n${String(facts)}`);
    });
}
