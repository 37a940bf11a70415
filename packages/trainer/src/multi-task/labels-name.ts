/** What stands before the name of a task where a batch holds its labels. */
export const LABELS = 'labels:';

/** What the labels of a task are called in a batch. */
export const labelsName = (task: string): string => `${LABELS}${task}`;
