// `npm run quickstart`: installs and builds what is missing, then trains the first model. Plain Node: it runs first.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const command = path.join(root, 'packages', 'tesserae', 'dist', 'cli.js');
const { status } = spawnSync(process.execPath, [command, 'quickstart', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
