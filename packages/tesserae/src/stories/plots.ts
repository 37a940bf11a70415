import type { Choose } from './generateStories';
import { animals, colors, mishaps, numbers, people, places, things, toys, weathers } from './words';
import type { Person } from './words';

/** A kind of story. */
export type Plot = (choose: Choose) => string;

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);
const counted = (count: number, [one, many]: readonly [string, string]): string =>
  `${numbers[count]} ${count === 1 ? one : many}`;
const another = (choose: Choose, than: Person): Person => choose(people.filter(({ name }) => name !== than.name));

/** One has some, the other gives more: the sum at the end is right. */
const sharing: Plot = (choose) => {
  const a = choose(people);
  const b = another(choose, a);
  const thing = choose(things);
  const [has, gets] = [choose([1, 2, 3, 4, 5]), choose([1, 2, 3, 4, 5])];
  return (
    `${a.name} had ${counted(has, thing)}. ${b.name} gave ${a.object} ${counted(gets, thing)} more. ` +
    `Now ${a.name} had ${counted(has + gets, thing)}. ${capital(a.subject)} said thank you to ${b.name}.`
  );
};

/** One has some and loses or eats a few. */
const losing: Plot = (choose) => {
  const a = choose(people);
  const thing = choose(things);
  const has = choose([4, 5, 6, 7, 8, 9, 10]);
  const gone = choose([1, 2, 3]);
  const place = choose(places);
  return (
    `One day ${a.name} found ${counted(has, thing)} near ${place}. ${capital(a.subject)} lost ${numbers[gone]} on the way home. ` +
    `So ${a.subject} had only ${counted(has - gone, thing)} left. ${a.name} was a little sad.`
  );
};

/** A sound comes out of hiding: which animal can it be? */
const sounds: Plot = (choose) => {
  const a = choose(people);
  const [animal, sound] = choose(animals);
  const color = choose(colors);
  const place = choose(places);
  return (
    `${a.name} went to ${place}. There ${a.subject} heard a loud ${sound}. "What was that?" asked ${a.name}. ` +
    `It was a ${color} ${animal}. The ${animal} said ${sound} again. ${a.name} laughed, and the ${color} ${animal} followed ${a.object} home.`
  );
};

/** Weather and what was or was not taken along. */
const weather: Plot = (choose) => {
  const a = choose(people);
  const [sky, effect, help] = choose(weathers);
  const place = choose(places);
  const wise = choose([true, false]);
  const start = `${a.name} walked to ${place}${wise ? ` with ${help}` : ''}. ${sky}.`;
  return wise
    ? `${start} But ${a.name} had ${help}, so ${a.subject} was happy all day.`
    : `${start} ${a.name} had not brought ${help}, so ${a.subject} ${effect}. Next time ${a.subject} will bring ${help}.`;
};

/** Somebody is in trouble and somebody helps. */
const helping: Plot = (choose) => {
  const a = choose(people);
  const b = another(choose, a);
  const [mishap, feeling, remedy] = choose(mishaps);
  const place = choose(places);
  return (
    `${a.name} and ${b.name} went to ${place}. ${a.name} ${mishap} and ${feeling}. ` +
    `${b.name} saw ${a.object} and ${remedy}. "You are a good friend," said ${a.name} to ${b.name}. Then ${a.subject} smiled.`
  );
};

/** A toy changes hands and comes back in its colour. */
const toy: Plot = (choose) => {
  const a = choose(people);
  const b = another(choose, a);
  const item = `${choose(colors)} ${choose(toys)}`;
  return (
    `${a.name} had a ${item}. ${b.name} wanted to play with the ${item}. "May I have it?" asked ${b.name}. ` +
    `"Yes," said ${a.name}, and gave ${b.object} the ${item}. Later ${b.name} gave the ${item} back to ${a.name}.`
  );
};

/** Every kind of story. */
export const plots: readonly Plot[] = [sharing, losing, sounds, weather, helping, toy];
