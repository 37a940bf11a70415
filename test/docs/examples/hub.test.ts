import { runExamples } from '../run-examples';

runExamples('hub');
