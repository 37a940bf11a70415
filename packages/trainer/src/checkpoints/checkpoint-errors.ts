import { tesseraeError } from '@tesserae/registry';

/** A checkpoint of ours that is not whole. */
export const truncatedCheckpoint = (folder: string, why: string, cause?: unknown): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_CHECKPOINT_TRUNCATED',
    message: `the checkpoint ${folder} is damaged: ${why}`,
    fix: 'resume from an earlier one, or copy it again from where it was whole',
    cause,
    details: { folder, why },
  });

/** A folder that is no checkpoint of ours, or one of another run. */
export const foreignCheckpoint = (folder: string, why: string, fix: string, details: object = {}): Error =>
  tesseraeError({
    package: 'trainer',
    code: 'E_CHECKPOINT_FOREIGN',
    message: `${folder} cannot continue this run: ${why}`,
    fix,
    details: { folder, ...details },
  });
