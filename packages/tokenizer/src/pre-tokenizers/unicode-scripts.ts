import type { Span } from '../patterns/pattern';

/** Scripts in the order in which they are tried; the first ones are those of most text. */
const SCRIPTS = (
  'Common Latin Inherited Cyrillic Han Hiragana Katakana Hangul Arabic Greek Hebrew Devanagari Thai Bengali Tamil Telugu ' +
  'Gujarati Kannada Malayalam Gurmukhi Oriya Sinhala Lao Tibetan Myanmar Georgian Armenian Ethiopic Khmer Mongolian ' +
  'Cherokee Bopomofo Yi Canadian_Aboriginal Syriac Thaana Ogham Runic Tagalog Hanunoo Buhid Tagbanwa Limbu Tai_Le ' +
  'New_Tai_Lue Buginese Tai_Tham Balinese Sundanese Batak Lepcha Ol_Chiki Braille Glagolitic Coptic Tifinagh Lisu Vai ' +
  'Bamum Syloti_Nagri Phags_Pa Saurashtra Kayah_Li Rejang Javanese Cham Tai_Viet Meetei_Mayek Linear_B Lycian Carian ' +
  'Old_Italic Gothic Old_Permic Ugaritic Old_Persian Deseret Shavian Osmanya Osage Elbasan Caucasian_Albanian Linear_A ' +
  'Cypriot Imperial_Aramaic Palmyrene Nabataean Hatran Phoenician Lydian Meroitic_Hieroglyphs Meroitic_Cursive ' +
  'Kharoshthi Old_South_Arabian Old_North_Arabian Manichaean Avestan Inscriptional_Parthian Inscriptional_Pahlavi ' +
  'Psalter_Pahlavi Old_Turkic Old_Hungarian Brahmi Kaithi Sora_Sompeng Chakma Mahajani Sharada Khojki Multani Khudawadi ' +
  'Grantha Newa Tirhuta Siddham Modi Takri Ahom Warang_Citi Pau_Cin_Hau Bhaiksuki Marchen Cuneiform Anatolian_Hieroglyphs ' +
  'Egyptian_Hieroglyphs Mro Bassa_Vah Pahawh_Hmong Miao Tangut Duployan SignWriting Mende_Kikakui Adlam Mandaic Samaritan'
).split(' ');

let patterns: RegExp[] | undefined;
const known = /* @__PURE__ */ new Map<string, string>();

/** The script of a character; the kana count as Han, and a space belongs to any. */
function scriptOf(character: string): string {
  if (character === ' ') return 'Any';
  if (character === 'ー') return 'Han';
  let script = known.get(character);
  if (script === undefined) {
    patterns ??= SCRIPTS.map((name) => new RegExp(`\\p{Script=${name}}`, 'u'));
    script = SCRIPTS[patterns.findIndex((pattern) => pattern.test(character))] ?? 'Any';
    if (script === 'Hiragana' || script === 'Katakana') script = 'Han';
    if (known.size > 20_000) known.clear();
    known.set(character, script);
  }
  return script;
}

/** Cuts a text where the script changes; what stands before the first script is left out, as in Hugging Face's. */
export function scriptSpans(text: string): Span[] {
  const spans: Span[] = [];
  let last: string | undefined;
  let start = 0;
  let at = 0;
  for (const character of text) {
    const script = scriptOf(character);
    if (script !== 'Any') {
      if (last !== script) {
        if (last !== undefined) spans.push([start, at, true]);
        start = at;
      }
      last = script;
    }
    at += character.length;
  }
  if (last !== undefined) spans.push([start, text.length, true]);
  return spans;
}
