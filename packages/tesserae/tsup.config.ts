import { library } from '../../tsup.base';

// Not split: a chunk's star exports would be unreadable to Node's import. The command carries a copy of its own code.
export default library(['src/index.ts', 'src/cli.ts'], { splitting: false });
