import { runExamples } from '../run-examples';

runExamples('display');
