// What the set-up scripts share: options, steps that are said aloud, commands whose failure stops with its output.
import { spawnSync } from 'node:child_process';

/** Reads `--name value` and `--flag`; unknown options stop the script with the list of known ones. */
export function readOptions(known, usage, args = process.argv.slice(2)) {
  const options = {};
  for (let i = 0; i < args.length; i++) {
    const name = args[i].replace(/^--/, '');
    if (name === 'help' || name === 'h') {
      console.log(usage);
      process.exit(0);
    }
    if (!args[i].startsWith('--') || !(name in known)) stop(`unknown option ${args[i]}`, usage);
    if (known[name] === 'flag') options[name] = true;
    else if (args[i + 1] === undefined) stop(`option --${name} needs a value`, usage);
    else options[name] = args[++i];
  }
  return options;
}

export function step(text) {
  console.log(`• ${text}`);
}

/** Ends the script with what is wrong and what to do. */
export function stop(problem, fix) {
  console.error(`✗ ${problem}\n  ${fix}`);
  process.exit(1);
}

/** Runs a command; its output is shown only when it fails. */
export function command(name, args, { fix, ...options } = {}) {
  const done = spawnSync(name, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.error === undefined && done.status === 0) return done.stdout;
  const said =
    done.error === undefined
      ? `${done.stdout}\n${done.stderr}`.trim().split('\n').slice(-40).join('\n')
      : done.error.message;
  console.error(said);
  return stop(`${[name, ...args].join(' ')} failed`, fix ?? 'see its output above');
}

/** Whether a program answers. */
export function available(name, args = ['--version']) {
  const done = spawnSync(name, args, { stdio: 'ignore' });
  return done.error === undefined && done.status === 0;
}
