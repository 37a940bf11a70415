import { runExamples } from '../run-examples';

runExamples('registry');
