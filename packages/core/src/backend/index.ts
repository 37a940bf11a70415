export { backendNames } from './candidate';
export type { BackendCandidate, BackendName, BackendRequest, BackendTaken } from './candidate';
export { backendPlugins, builtInBackends } from './built-in-backends';
export type { BackendPlugin } from './built-in-backends';
export { selectBackend } from './select-backend';
export type { BackendAttempt, SelectBackendOptions, SelectedBackend } from './select-backend';
export { registerGradients } from './gradients/index';
