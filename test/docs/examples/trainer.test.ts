import { runExamples } from '../run-examples';

runExamples('trainer');
