/** The small world of the stories: who lives in it, what is there, and what follows from what. */

export interface Person {
  readonly name: string;
  readonly subject: 'he' | 'she';
  readonly object: 'him' | 'her';
  readonly possessive: 'his' | 'her';
}

const he = (name: string): Person => ({ name, subject: 'he', object: 'him', possessive: 'his' });
const she = (name: string): Person => ({ name, subject: 'she', object: 'her', possessive: 'her' });

export const people: readonly Person[] = [
  ...['Tom', 'Ben', 'Max', 'Sam', 'Leo', 'Finn', 'Noah', 'Omar'].map(he),
  ...['Mia', 'Lily', 'Anna', 'Zoe', 'Rosa', 'Ida', 'Nora', 'Emma'].map(she),
];

/** Animals that can be met, and the sound that each makes. */
export const animals: readonly (readonly [animal: string, sound: string])[] = [
  ['dog', 'woof'],
  ['cat', 'meow'],
  ['duck', 'quack'],
  ['cow', 'moo'],
  ['frog', 'croak'],
  ['sheep', 'baa'],
];

/** Things that can be counted: one, many. */
export const things: readonly (readonly [one: string, many: string])[] = [
  ['apple', 'apples'],
  ['pear', 'pears'],
  ['shell', 'shells'],
  ['stone', 'stones'],
  ['flower', 'flowers'],
  ['button', 'buttons'],
];

export const places: readonly string[] = ['the garden', 'the park', 'the forest', 'the river', 'the beach', 'the hill'];
export const colors: readonly string[] = ['red', 'blue', 'green', 'yellow', 'white', 'brown'];
export const toys: readonly string[] = ['ball', 'kite', 'boat', 'drum', 'hat', 'cup'];
export const numbers: readonly string[] = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
];

/** Weather, what it does, and what a wise child takes along. */
export const weathers: readonly (readonly [sky: string, effect: string, help: string])[] = [
  ['It began to rain', 'got wet', 'an umbrella'],
  ['It began to snow', 'felt cold', 'a warm coat'],
  ['The sun grew hot', 'got thirsty', 'some water'],
  ['It grew dark', 'could not see', 'a lamp'],
];

/** A mishap, the feeling that follows, and what makes it good again. */
export const mishaps: readonly (readonly [mishap: string, feeling: string, remedy: string])[] = [
  ['fell and hurt a knee', 'cried', 'put a bandage on the knee'],
  ['lost the way', 'was afraid', 'showed the way home'],
  ['was very hungry', 'felt weak', 'shared some bread'],
  ['was very tired', 'yawned', 'carried the bag'],
];
