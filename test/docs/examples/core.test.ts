import { runExamples } from '../run-examples';

runExamples('core');
