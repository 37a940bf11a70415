import { runExamples } from '../run-examples';

runExamples('tokenizer');
