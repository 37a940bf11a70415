import { runExamples } from '../run-examples';

runExamples('tesserae');
