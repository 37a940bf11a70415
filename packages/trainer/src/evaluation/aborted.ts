import { isTesseraeError, tesseraeError } from '@tesserae/registry';

/** The signal came. */
export const evaluationAborted = (cause?: unknown): Error =>
  isTesseraeError(cause, 'E_ABORTED')
    ? (cause as unknown as Error)
    : tesseraeError({
        package: 'trainer',
        plugin: 'evaluate',
        code: 'E_ABORTED',
        message: 'the evaluation was stopped by its signal',
        fix: 'nothing is wrong; start again when you like',
        cause,
      });
