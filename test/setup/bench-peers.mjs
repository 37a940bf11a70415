// npm run setup:bench-peers: installs the engines that `npm run bench -- generate` compares with, into out/peers: outside
// node_modules, so that an npm install neither removes nor sees them. Their install scripts do not run; llama.cpp's
// binaries come in a package of their own for each platform.
import { mkdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = path.join(root, 'out', 'peers');
const binaries = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'mac-x64',
  'darwin-arm64': 'mac-arm64-metal',
  'win32-x64': 'win-x64',
}[`${process.platform}-${process.arch}`];

const llama = '3.22.1';
const peers = {
  // With optional packages: sharp's binary is one, and Transformers.js does not load without it.
  transformers: { packages: ['@huggingface/transformers@4.3.1'], flags: [] },
  // Without: there are gigabytes of binaries for graphics processors among them.
  llama: {
    packages: [`node-llama-cpp@${llama}`, ...(binaries ? [`@node-llama-cpp/${binaries}@${llama}`] : [])],
    flags: ['--omit=optional'],
  },
};

for (const [name, { packages, flags }] of Object.entries(peers)) {
  const cwd = path.join(folder, name);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(path.join(cwd, 'package.json'), '{ "private": true }\n');
  const shell = process.platform === 'win32';
  const all = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', ...flags, ...packages];
  const { status } = spawnSync('npm', all, { cwd, stdio: 'inherit', shell });
  if (status !== 0) process.exit(status ?? 1);
}
console.log(`installed into ${path.relative(root, folder)}: npm run bench -- generate`);
