import { tesseraeError } from '@tesserae/registry';

/** Several sequences cannot share a row here. */
export const cannotPack = (plugin: string, message: string, fix: string): Error =>
  tesseraeError({ package: 'trainer', plugin, code: 'E_PACKING', message, fix });
