/** How text is turned into ids. */
export interface EncodeOptions {
  /**
   * Run the tokenizer's post-processor, which may add tokens such as a begin-of-text token. Default `true`.
   * Tokenizers trained here have none, so it changes nothing for them.
   */
  addSpecialTokens?: boolean;
  /**
   * Which special tokens written out in the text become their id: all of them (`true`, the default, as in
   * Hugging Face), none (`false`: text from strangers stays text), or only the listed ones.
   */
  parseSpecialTokens?: boolean | readonly string[];
}
