import { selectBackend } from '@tesserae/core';
import type { BackendName } from '@tesserae/core';
import { table } from '@tesserae/display';
import { verifyCheckpoint } from '@tesserae/hub';
import type { Command } from 'commander';
import type { CommandContext } from './context';

/** `tesserae verify`: a checkpoint folder against the reference values in its golden.json. */
export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .description(
      'compare a checkpoint folder with the reference values in its golden.json; exit 1 if a difference is over',
    )
    .argument('<folder>', 'config.json, model.safetensors, golden.json, golden.safetensors')
    .option('--strict', 'anything that is listed and cannot be done yet is a failure')
    .option('--config <file>', 'another config file of the folder, such as config.v5.json')
    .option('--backend <name>', 'tfjs-node-gpu, onnx, tfjs-node, wasm or cpu')
    .option('--json', 'print one line of JSON')
    .action(async (folder: string, flags: { strict?: boolean; config?: string; backend?: string; json?: boolean }) => {
      await selectBackend({
        log: (line) => context.note(line),
        ...(flags.backend && { prefer: flags.backend as BackendName }),
      });
      const report = await verifyCheckpoint(folder, { strict: flags.strict ?? false, configFile: flags.config });
      if (!report.ok) context.exitCode = 1;
      if (flags.json) return context.out(JSON.stringify(report));
      const rows = report.rows.map(({ what, difference, tolerance, ok }) => ({
        what,
        difference: difference.toExponential(1),
        tolerance: tolerance === 0 ? 'exact' : tolerance.toExponential(1),
        '': ok ? 'ok' : 'OVER',
      }));
      context.out(table(rows).text);
      const over = report.rows.filter(({ ok }) => !ok).length;
      context.out(
        `${report.name} (${report.architecture}) on ${report.backend}: ${report.rows.length - over} within tolerance, ${over} over.`,
      );
      if (report.notDone.length > 0)
        context.out(`Not done yet${flags.strict ? ', which fails under --strict' : ''}: ${report.notDone.join(', ')}.`);
    });
}
