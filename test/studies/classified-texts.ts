import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createKey, permutation } from '@tesserae/core';
import { dataFolder } from './data-folder';

/** A text and its class. */
export interface ClassifiedRow {
  readonly text: string;
  readonly label: number;
}

const linesOf = (...names: string[]): string[] =>
  readFileSync(path.join(dataFolder(), ...names), 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');

/** SMS Spam Collection: 5,574 messages, 0 for those that somebody wanted, 1 for spam. */
export const readSpam = (): ClassifiedRow[] =>
  linesOf('classify', 'sms_spam', 'SMSSpamCollection').map((line) => {
    const [label, ...text] = line.split('\t');
    return { text: text.join(' ').trim(), label: label === 'spam' ? 1 : 0 };
  });

/** Sentences of one of three places, 1,000 each: 1 for praise, 0 for the opposite. */
export const readReviews = (place: 'amazon_cells' | 'imdb' | 'yelp'): ClassifiedRow[] =>
  linesOf('classify', 'uci_sentiment', `${place}_labelled.txt`).map((line) => {
    const [text, label] = line.split('\t');
    return { text: text.trim(), label: Number(label) };
  });

/** Sentiment Labelled Sentences: those of all three places. */
export const readSentiment = (): ClassifiedRow[] =>
  (['amazon_cells', 'imdb', 'yelp'] as const).flatMap((place) => readReviews(place));

/** The same rows in an order that follows from a seed. */
export const shuffled = <T>(rows: readonly T[], seed: number): T[] =>
  Array.from(permutation(createKey(seed), rows.length), (at) => rows[at]);
