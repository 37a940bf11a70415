// npm test: from an empty clone to one line, `N passed, N failed`.
//
//   node test/run.mjs           set up, build, lint, check types, then every quick test
//   node test/run.mjs --full    set up, build, then the slow tests (*.full.test.ts)
//   … -- NAME …                 only the vitest projects of these names: core, trainer, test-docs
//
// A step outside vitest (lint, types) counts as one test. The exit code is 1 if anything failed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './setup/setup.mjs';

const full = process.argv.includes('--full');
const projects = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const report = path.join(root, 'out', 'test', full ? 'full.json' : 'quick.json');
const sum = { passed: 0, failed: 0 };
const failures = [];

if (setUp()) {
  if (!full && projects.length === 0) checkSource();
  runTests();
}
for (const failure of failures) console.log(`✗ ${failure}`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;

/** Without an installation or a build nothing else can run. */
function setUp() {
  try {
    ensureInstalled();
    ensureBuilt();
    return count('install and build', true);
  } catch (error) {
    return count(`install and build: ${error.message}`, false);
  }
}

function checkSource() {
  for (const script of ['lint:code', 'lint:format', 'lint:floors', 'typecheck']) {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    console.log(`• ${script}`);
    count(`${script} (npm run ${script})`, runTool(scripts[script].split(' ')) === 0);
  }
}

/** Runs a tool of node_modules/.bin, or node itself, with this Node. */
function runTool([tool, ...args], options = {}) {
  const bin = path.join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  const shell = process.platform === 'win32';
  return spawnSync(tool, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env, shell, ...options }).status;
}

function runTests() {
  rmSync(report, { force: true });
  mkdirSync(path.dirname(report), { recursive: true });
  const chosen = projects.flatMap((name) => ['--project', name]);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const status = runTool(['vitest', 'run', '--mode', full ? 'full' : 'test', ...reporters, ...chosen]);
  const results = readReport();
  if (results === undefined) return count('the test runner ended without a report', false);
  sum.passed += results.numPassedTests;
  sum.failed += results.numFailedTests;
  for (const suite of results.testResults) {
    const file = path.relative(root, suite.name);
    const failed = suite.assertionResults.filter((test) => test.status === 'failed');
    failures.push(...failed.map((test) => `${file}: ${test.fullName}`));
    const skipped = suite.assertionResults.filter((test) => ['pending', 'skipped'].includes(test.status));
    if (skipped.length > 0) console.log(`○ skipped in ${file}: ${skipped.map((test) => test.fullName).join(' · ')}`);
    // A file that fails before its first test has no failed test to count.
    if (suite.status === 'failed' && failed.length === 0) count(`${file}: ${firstLine(suite.message)}`, false);
  }
  // Errors outside any test, such as an unhandled rejection, only show in the exit status.
  if (status !== 0 && sum.failed === 0) count('an error outside the tests, see above', false);
  return undefined;
}

function readReport() {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return undefined;
  }
}

function count(name, passed) {
  sum[passed ? 'passed' : 'failed']++;
  if (!passed) failures.push(name);
  return passed;
}

function firstLine(text) {
  return (text ?? '').trim().split('\n')[0];
}
