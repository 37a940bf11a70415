import { library } from '../../tsup.base';

export default library(['src/index.ts', 'src/testing/index.ts', 'src/worker/index.ts']);
