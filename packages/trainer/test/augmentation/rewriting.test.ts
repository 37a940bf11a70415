import { createKey } from '@tesserae/core';
import { describePluginContract } from '@tesserae/registry/testing';
import {
  clauseOrder,
  clefting,
  contractionExpansion,
  loadWordNet,
  roundTrip,
  synonymInsertion,
  synonymReplacement,
  voiceChange,
} from '@tesserae/trainer';
import type { Augmenter, TextExample } from '@tesserae/trainer';
import { describeAugmenterContract } from '@tesserae/trainer/testing';
import { describe, expect, it } from 'vitest';

const simple = ['The dog chased the cat.', 'The committee will approve the new plans.'];
const contracts = [
  { name: 'synonym-replacement', create: synonymReplacement, texts: ['The big car reached the old city.'] },
  { name: 'synonym-insertion', create: synonymInsertion, texts: ['The big car reached the old city.'] },
  { name: 'voice-change', create: voiceChange, texts: simple, sameForEveryKey: true },
  { name: 'clefting', create: clefting, texts: [simple[0]] },
  { name: 'clause-order', create: clauseOrder, texts: ['We left because the rain stopped.'], sameForEveryKey: true },
  { name: 'contraction-expansion', create: contractionExpansion, texts: ["We're late."], sameForEveryKey: true },
];
for (const contract of contracts) describeAugmenterContract(contract, { describe, it });
for (const plugin of [voiceChange, clefting, clauseOrder, contractionExpansion, synonymReplacement, synonymInsertion])
  describePluginContract<Augmenter>(plugin, { describe, it });
const there = (text: string): string => text.toUpperCase();
const trip = { forward: there, backward: (text: string): string => `${text.toLowerCase()}!` };
describeAugmenterContract(
  {
    name: 'round-trip',
    create: () => roundTrip(trip),
    texts: ['One'],
    sameForEveryKey: true,
    refusesInsideSpans: false,
  },
  { describe, it },
);

const all = async (augmenter: Augmenter, text: string): Promise<string[]> => {
  const made = new Set<string>();
  for (let seed = 0; seed < 8; seed++)
    for (const { text: other } of await augmenter.augment({ text }, createKey(seed))) made.add(other);
  return Array.from(made).sort();
};

describe('voice', () => {
  it.each([
    ['The dog chased the cat.', 'The cat was chased by the dog.'],
    ['The committee will approve the new plans.', 'The new plans will be approved by the committee.'],
    ['She helped him.', 'He was helped by her.'],
    ['The dogs have chased the cat.', 'The cat has been chased by the dogs.'],
    ['Cats chase mice.', 'Mice are chased by cats.'],
    ['The old letter was written by a famous author.', 'A famous author wrote the old letter.'],
    ['He was helped by her.', 'She helped him.'],
    ['The car was driven by my uncle.', 'My uncle drove the car.'],
  ])('%s → %s', async (from, to) => expect(await all(voiceChange(), from)).toEqual([to]));

  it.each([
    'The dog did not chase the cat.',
    'Nobody saw the cat.',
    'Every dog chased a cat.',
    'Did the dog chase the cat?',
    'John gave Mary a book.',
    'John loves his mother.',
    'The boy hurt himself.',
    'The house was built by the river.',
    'The man has a car.',
    'The dog chased the cat, and the cat ran.',
    'He slept all night.',
    'The dog chased the cat yesterday.',
    'My brother who lives in Rome bought a car.',
    '"The dog chased the cat."',
  ])('refuses: %s', async (text) => expect(await all(voiceChange(), text)).toEqual([]));

  it('carries spans along with their words', async () => {
    const text = 'Hi! The dog chased the cat.';
    const spans = [
      [4, 11, 'who'],
      [12, 18, 'does'],
      [19, 26, 'whom'],
    ] as const;
    const example: TextExample = { text, spans };
    const [made] = await voiceChange().augment(example, createKey(0));
    expect(made.text).toBe('Hi! The cat was chased by the dog.');
    expect(made.spans?.map(([a, b, what]) => [made.text.slice(a, b), what])).toEqual([
      ['the dog', 'who'],
      ['chased', 'does'],
      ['The cat', 'whom'],
    ]);
    const torn = { text, spans: [[4, 18, 'who does']] as const };
    expect(await voiceChange().augment(torn, createKey(0))).toEqual([]);
  });
});

describe('clefting', () => {
  it('says who or what it was', async () => {
    expect(await all(clefting(), simple[0])).toEqual([
      'It was the cat that the dog chased.',
      'It was the dog that chased the cat.',
    ]);
    for (const text of [
      'She chased the cat.',
      'The dog never chased the cat.',
      'The dog sleeps.',
      'Who chased the cat?',
    ])
      expect(await all(clefting(), text)).toEqual([]);
  });
});

describe('clause order', () => {
  it.each([
    ['We left because the rain stopped.', 'Because the rain stopped, we left.'],
    ['When the rain stopped, we went home.', 'We went home when the rain stopped.'],
    ['Although it rained, the team won the match.', 'The team won the match although it rained.'],
    ['John smiled when he arrived.', 'When he arrived, John smiled.'],
  ])('%s → %s', async (from, to) => expect(await all(clauseOrder(), from)).toEqual([to]));

  it.each([
    'He smiled when John arrived.',
    'When John arrived, he smiled.',
    'She did not leave because it rained.',
    'I know when the train leaves.',
    'We left after the match.',
    'If it rains, then we stay.',
    'We left because it rained and the team lost.',
    'Did we leave because it rained?',
    'We will stay unless it rains.',
  ])('refuses: %s', async (text) => expect(await all(clauseOrder(), text)).toEqual([]));
});

describe('contractions', () => {
  it.each([
    ["I'm sure we're late.", 'I am sure we are late.'],
    ["I can't say it's a good idea.", 'I cannot say it is a good idea.'],
    ["She's been here; they've left.", 'She has been here; they have left.'],
    ["He'd go. I won't stay.", undefined],
    ['I don’t know.', 'I do not know.'],
    ["Let's go.", 'Let us go.'],
  ])('%s → %s', async (from, to) => {
    const made = await all(contractionExpansion(), from);
    if (to === undefined) expect(made).toEqual(["He would go. I won't stay.", "He'd go. I will not stay."].sort());
    else expect(made).toEqual([to]);
  });

  it.each(["John's car is red.", "He's finished.", "Don't you know?", "It ain't so.", "He'd put it there."])(
    'leaves what could be two things: %s',
    async (text) => expect(await all(contractionExpansion(), text)).toEqual([]),
  );
});

describe('synonyms', () => {
  it('keep number, tense and capitals, and make the article fit', async () => {
    expect(await all(synonymReplacement(), 'Two cars')).toEqual([
      'Two automobiles',
      'Two autos',
      'Two machines',
      'Two motorcars',
    ]);
    expect(await all(synonymReplacement(), 'I need a car.')).toEqual(
      expect.arrayContaining(['I need an auto.', 'I need a motorcar.']),
    );
    expect(await all(synonymReplacement(), 'They purchased it.')).toEqual(['They bought it.']);
    expect(await all(synonymReplacement(), 'Anna is not in Rome, 42.')).toEqual([]);
  });

  it('come from a lexicon of one’s own when it is given', async () => {
    const lexicon = { synonyms: (lemma: string): string[] => (lemma === 'car' ? ['wagon'] : []) };
    expect(await all(synonymReplacement({ lexicon }), 'CARS')).toEqual(['WAGONS']);
    await expect(loadWordNet('/nowhere')).rejects.toThrow(/E_LEXICON: WordNet cannot be read/);
  });
});

describe('round trip', () => {
  it('refuses spans, and models that give no text', async () => {
    expect(await all(roundTrip(trip), 'One')).toEqual(['one!']);
    expect(await roundTrip(trip).augment({ text: 'One', spans: [[0, 3, 'x']] }, createKey(0))).toEqual([]);
    const broken = roundTrip({ ...trip, backward: (() => 1) as never });
    await expect(broken.augment({ text: 'One' }, createKey(0))).rejects.toThrow(/E_EXAMPLE: backward gave number/);
  });
});
