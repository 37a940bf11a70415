// npm run setup:software-vulkan: a Vulkan driver that computes on the CPU (Mesa's lavapipe), so that ONNX Runtime's
// WebGPU provider runs on machines without a GPU.
//
// Debian 12's own Mesa 22 is refused by the provider; Mesa 25 from bookworm-backports works, with half precision and
// subgroups. The packages are downloaded under a private apt configuration and unpacked into out/software-vulkan:
// nothing of the system is changed, and no root is needed. Two environment variables then point at it.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { available, command, readOptions, step, stop } from './steps.mjs';

const usage = `npm run setup:software-vulkan -- [options]
  --into FOLDER    where to unpack; out/software-vulkan unless set
  --mirror URL     where Debian's packages are; http://deb.debian.org/debian unless set
  --force          download and unpack again`;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const options = readOptions({ into: 'value', mirror: 'value', force: 'flag' }, usage);
const into = path.resolve(options.into ?? path.join(root, 'out', 'software-vulkan'));
const environmentFile = path.join(into, 'environment.json');

if (options.force) rmSync(into, { recursive: true, force: true });
if (!existsSync(environmentFile)) build();
else step(`${path.relative(process.cwd(), into)} is there already (--force downloads it again)`);
report();

function build() {
  checkSystem();
  const apt = privateApt();
  step('reading the package lists of bookworm and bookworm-backports');
  command('apt-get', [...apt.options, 'update'], {
    env: apt.env,
    fix: 'check the connection to the Debian mirror (--mirror URL)',
  });
  step('downloading Mesa’s Vulkan drivers and what they need');
  const wanted = ['mesa-vulkan-drivers', 'libvulkan1'];
  const install = [
    'install',
    '--yes',
    '--download-only',
    '--no-install-recommends',
    '--target-release',
    'bookworm-backports',
  ];
  command('apt-get', [...apt.options, ...install, ...wanted], { env: apt.env });
  unpack(apt.archives);
  writeEnvironment();
}

function checkSystem() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(release)?.[1];
  if (codename !== 'bookworm') {
    const fix =
      'install its mesa-vulkan-drivers and libvulkan1 (Mesa 24 or newer), for example sudo apt-get install mesa-vulkan-drivers libvulkan1';
    stop(`this recipe is for Debian 12 (bookworm), not ${codename ?? process.platform}`, fix);
  }
  if (!available('apt-get') || !available('dpkg-deb')) stop('apt-get and dpkg-deb are needed', 'run this on Debian');
}

/** An apt of our own: own sources, lists and cache; the system's list of installed packages is only read. */
function privateApt() {
  const home = path.join(into, 'apt');
  const archives = path.join(home, 'archives');
  for (const folder of [path.join(home, 'lists', 'partial'), path.join(archives, 'partial')])
    mkdirSync(folder, { recursive: true });
  const mirror = options.mirror ?? 'http://deb.debian.org/debian';
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  const sources = path.join(home, 'sources.list');
  writeFileSync(
    sources,
    ['bookworm', 'bookworm-backports'].map((suite) => `deb ${signed} ${mirror} ${suite} main\n`).join(''),
  );
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': path.join(home, 'lists'),
    'Dir::Cache': home,
    'Dir::Cache::archives': archives,
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': '',
    'Binary::apt-get::APT::Keep-Downloaded-Packages': 'true',
  };
  return {
    archives,
    options: ['-qq', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  };
}

function unpack(archives) {
  const packages = readdirSync(archives).filter((file) => file.endsWith('.deb'));
  if (packages.length === 0)
    stop(
      'apt downloaded nothing: the drivers may be installed already',
      'run vulkaninfo --summary, and use them as they are',
    );
  step(`unpacking ${packages.length} packages into ${path.relative(process.cwd(), into)}`);
  for (const file of packages) command('dpkg-deb', ['-x', path.join(archives, file), path.join(into, 'system')]);
  rmSync(path.join(into, 'apt'), { recursive: true });
}

/** The driver's own description names a system path; ours names the unpacked library. */
function writeEnvironment() {
  const libraries = path.join(into, 'system', 'usr', 'lib');
  const folder = readdirSync(libraries)
    .map((triplet) => path.join(libraries, triplet))
    .find((candidate) => existsSync(path.join(candidate, 'libvulkan_lvp.so')));
  if (folder === undefined) stop(`there is no libvulkan_lvp.so under ${libraries}`, 'run this again with --force');
  const description = path.join(into, 'lavapipe.json');
  const driver = {
    file_format_version: '1.0.1',
    ICD: { library_path: path.join(folder, 'libvulkan_lvp.so'), api_version: '1.4.0' },
  };
  writeFileSync(description, `${JSON.stringify(driver, null, 2)}\n`);
  writeFileSync(
    environmentFile,
    `${JSON.stringify({ VK_ICD_FILENAMES: description, LD_LIBRARY_PATH: folder }, null, 2)}\n`,
  );
}

function report() {
  const environment = JSON.parse(readFileSync(environmentFile, 'utf8'));
  step('a program started with these variables computes WebGPU on the CPU:');
  console.log(`export VK_ICD_FILENAMES=${environment.VK_ICD_FILENAMES}`);
  console.log(`export LD_LIBRARY_PATH=${environment.LD_LIBRARY_PATH}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`);
}
