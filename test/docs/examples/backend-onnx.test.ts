import { runExamples } from '../run-examples';

runExamples('backend-onnx');
