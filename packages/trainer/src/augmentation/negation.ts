const negations = new Set(
  (
    'no not nor never none nobody nothing nowhere neither cannot without hardly scarcely barely seldom rarely unless ' +
    'few little only dont cant wont isnt doesnt didnt wasnt couldnt wouldnt shouldnt aint'
  ).split(' '),
);

/** A word that turns a statement round, or may. */
export const isNegation = (word: string): boolean => negations.has(word.toLowerCase()) || /n['’]t$/i.test(word);
