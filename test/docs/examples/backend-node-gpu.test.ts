import { runExamples } from '../run-examples';

runExamples('backend-node-gpu');
