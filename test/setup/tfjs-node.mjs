// npm run setup:tfjs-node: builds @tensorflow/tfjs-node against a current TensorFlow library.
//
// The package downloads TensorFlow 2.9.1 from a place that is often out of reach, and its binding is built for old Node
// versions. The same JavaScript and the same C++ source work with the library inside today's `tensorflow-cpu` wheel:
// take library and headers from there, and build the binding with the node-gyp that npm carries.
//
// Everything lands in out/tfjs-node, outside node_modules, so that an npm install neither removes nor sees it. The
// package's own copies of what the workspace already has (@tensorflow/tfjs-core above all) are removed, so that Node
// finds the workspace's on its way up: one engine, one registry of backends.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { available, command, readOptions, step, stop } from './steps.mjs';
import { extractEntry, listZip } from './zip.mjs';

const usage = `npm run setup:tfjs-node -- [options]
  --wheel FILE     a tensorflow wheel that is already here; without it pip downloads tensorflow-cpu
  --gpu            build @tensorflow/tfjs-node-gpu (pip then downloads tensorflow, whose library knows CUDA)
  --into FOLDER    where to build; out/tfjs-node (or out/tfjs-node-gpu) unless set
  --force          build again even if it is there`;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const options = readOptions({ wheel: 'value', gpu: 'flag', into: 'value', force: 'flag' }, usage);
const name = options.gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
const usual = path.join(root, 'out', path.basename(name));
const into = path.resolve(options.into ?? usual);
const folder = path.join(into, 'node_modules', ...name.split('/'));
const binding = path.join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');

if (options.force) rmSync(into, { recursive: true, force: true });
if (!existsSync(binding)) await build();
else step(`${path.relative(root, binding)} is there already (--force builds it again)`);
prove();

async function build() {
  checkTools();
  installPackage();
  shareWorkspacePackages();
  const tensorflow = path.join(into, 'tensorflow');
  if (!existsSync(path.join(tensorflow, 'complete')))
    await unpackTensorFlow(options.wheel ?? downloadWheel(), tensorflow);
  rmSync(path.join(into, 'wheel'), { recursive: true, force: true });
  linkTensorFlow(tensorflow);
  compile();
}

function checkTools() {
  if (process.platform !== 'linux')
    stop(`this recipe is for Linux, not ${process.platform}`, `run npm install ${name} --ignore-scripts=false`);
  if (!available('g++') || !available('make'))
    stop('building the binding needs g++ and make', 'run sudo apt-get install --yes g++ make');
  if (!available('python3')) stop('node-gyp needs python3', 'run sudo apt-get install --yes python3');
}

/** The version of the workspace's tfjs-core: the two must be one. */
function coreVersion() {
  const require = createRequire(path.join(root, 'package.json'));
  try {
    return require('@tensorflow/tfjs-core/package.json').version;
  } catch {
    return stop('the workspace is not installed', 'run npm ci');
  }
}

function installPackage() {
  const version = coreVersion();
  step(
    `installing ${name}@${version} without its install script, into ${into.startsWith(root + path.sep) ? path.relative(root, into) : into}`,
  );
  mkdirSync(into, { recursive: true });
  writeFileSync(path.join(into, 'package.json'), `${JSON.stringify({ name: 'tfjs-node-build', private: true })}\n`);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', `${name}@${version}`];
  command('npm', args, { cwd: into, fix: 'check the connection to the npm registry' });
}

/** Removes what Node then finds in the workspace above: two copies of tfjs-core would not see each other's tensors. */
function shareWorkspacePackages() {
  const inside = into.startsWith(root + path.sep);
  for (const shared of ['tfjs-core', 'tfjs-backend-cpu']) {
    const own = path.join(into, 'node_modules', '@tensorflow', shared);
    rmSync(own, { recursive: true, force: true });
    if (!inside) symlinkSync(path.join(root, 'node_modules', '@tensorflow', shared), own);
  }
}

function downloadWheel() {
  const wanted = options.gpu ? 'tensorflow' : 'tensorflow-cpu';
  const wheels = path.join(into, 'wheel');
  const there = () => (existsSync(wheels) ? readdirSync(wheels).find((file) => file.endsWith('.whl')) : undefined);
  if (there() === undefined) {
    step(`downloading the ${wanted} wheel (about ${options.gpu ? 600 : 270} MB)`);
    const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', wheels, wanted];
    command('python3', args, {
      fix: `download the wheel from https://pypi.org/project/${wanted}/#files and pass it with --wheel FILE`,
    });
  }
  return path.join(wheels, there());
}

async function unpackTensorFlow(wheel, target) {
  if (!existsSync(wheel)) stop(`there is no ${wheel}`, 'pass a wheel that exists, or none to download it');
  const wanted = /^tensorflow\/(libtensorflow_(cc|framework)\.so\.2|include\/(tensorflow|tsl|xla)\/.*)$/;
  const entries = listZip(wheel).filter(
    (entry) => wanted.test(entry.name) && !entry.name.endsWith('/') && !entry.name.includes('..'),
  );
  if (!entries.some((entry) => entry.name.endsWith('.so.2')))
    stop(`${wheel} holds no libtensorflow_cc.so.2`, 'pass a tensorflow or tensorflow-cpu wheel for Linux');
  step(`taking the library and ${entries.length - 2} headers out of ${path.basename(wheel)}`);
  for (const entry of entries) await extractEntry(wheel, entry, path.join(target, ...entry.name.split('/').slice(1)));
  writeFileSync(path.join(target, 'complete'), `${path.basename(wheel)}\n`);
}

function linkTensorFlow(tensorflow) {
  const links = {
    'lib/libtensorflow.so': 'libtensorflow_cc.so.2',
    'lib/libtensorflow_cc.so.2': 'libtensorflow_cc.so.2',
    'lib/libtensorflow_framework.so': 'libtensorflow_framework.so.2',
    'lib/libtensorflow_framework.so.2': 'libtensorflow_framework.so.2',
    'include/tensorflow': 'include/tensorflow',
    'include/tsl': 'include/tsl',
    'include/xla': 'include/xla',
  };
  for (const [link, target] of Object.entries(links)) {
    const at = path.join(folder, 'deps', link);
    mkdirSync(path.dirname(at), { recursive: true });
    rmSync(at, { force: true, recursive: true });
    symlinkSync(path.relative(path.dirname(at), path.join(tensorflow, target)), at);
  }
}

function compile() {
  step('building the binding');
  const headers = [process.config.variables.node_prefix, path.resolve(process.execPath, '..', '..'), '/usr'];
  const nodedir = headers.find((prefix) => prefix && existsSync(path.join(prefix, 'include', 'node', 'node_api.h')));
  const args = [
    'rebuild',
    '--module_name=tfjs_binding',
    `--module_path=${path.dirname(binding)}`,
    '--napi_build_version=8',
  ];
  if (nodedir !== undefined) args.push(`--nodedir=${nodedir}`); // else node-gyp downloads the headers
  const flags = `${process.env.CXXFLAGS ?? ''} -std=c++17`.trim();
  command(process.execPath, [nodeGyp(), ...args], { cwd: folder, env: { ...process.env, CXXFLAGS: flags } });
  if (!existsSync(binding)) stop(`node-gyp built no ${binding}`, 'run this again with --force');
}

/** node-gyp comes with npm. */
function nodeGyp() {
  const npm = process.env.npm_execpath ? [path.resolve(process.env.npm_execpath, '..', '..')] : [];
  const prefix = path.resolve(process.execPath, '..', '..', 'lib', 'node_modules', 'npm');
  const homes = [...npm, prefix, path.join(command('npm', ['root', '--global']).trim(), 'npm')];
  const found = homes
    .map((home) => path.join(home, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
    .find((file) => existsSync(file));
  return found ?? stop('npm carries no node-gyp here', 'run this through npm: npm run setup:tfjs-node');
}

/** Loads it in a fresh process: the library opens, the engine is the workspace's, and a product is right and fast. */
function prove() {
  const script = `
    const util = require('node:util');
    util.isNullOrUndefined ??= (value) => value === null || value === undefined;
    util.isArray ??= Array.isArray;
    const ours = require(${JSON.stringify(path.join(root, 'node_modules', '@tensorflow', 'tfjs-core'))});
    const tf = require(${JSON.stringify(folder)});
    if (tf.engine !== ours.engine) throw new Error('it has its own copy of tfjs-core');
    const n = 1024, a = tf.ones([n, n]);
    const flops = () => { const start = process.hrtime.bigint(); const c = tf.matMul(a, a); const [first] = c.dataSync(); c.dispose();
      if (first !== n) throw new Error('a product is wrong: ' + first);
      return 2 * n ** 3 / Number(process.hrtime.bigint() - start); };
    const runs = Array.from({ length: 30 }, flops).sort((x, y) => x - y);
    const { binding, isUsingGpuDevice } = tf.backend();
    console.log('TensorFlow ' + binding.TF_Version + (isUsingGpuDevice ? ' on the GPU' : ' on the CPU') + ': ' + runs[15].toFixed(0) + ' GFLOPS (median of 30 products of 1024 × 1024)');`;
  const said = command(process.execPath, ['-e', script], {
    cwd: root,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    fix: 'run this again with --force',
  });
  step(said.trim().split('\n').at(-1));
  const set = into === usual ? '' : ` once TESSERAE_TFJS_NODE=${into} is set`;
  step(`useNodeGpu() and selectBackend({ prefer: '${path.basename(name)}' }) find it${set}`);
}
