import { tesseraeError } from '@tesserae/registry';

/** No cache where one should be. */
export const cacheMissing = (folder: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenCache',
    code: 'E_NOT_FOUND',
    message: `there is no token cache ${folder}`,
    fix: 'make it with tokenizeToCache',
    details: { folder },
  });

/** A folder that is something else than a cache: it is not touched. */
export const cacheForeign = (folder: string, why: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenCache',
    code: 'E_CACHE_FOREIGN',
    message: `${folder} is no token cache: ${why}`,
    fix: 'give a folder of its own for the cache',
    details: { folder },
  });

/** A cache whose files are not those that were written. */
export const cacheDamaged = (folder: string, why: string): Error =>
  tesseraeError({
    package: 'trainer',
    plugin: 'tokenCache',
    code: 'E_CACHE_DAMAGED',
    message: `the token cache ${folder} is damaged: ${why}`,
    fix: 'remove the folder and call tokenizeToCache again',
    details: { folder },
  });
