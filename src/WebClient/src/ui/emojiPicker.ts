import { language } from '../i18n/i18n.svelte';
import { Part } from '../lib/part.svelte';

/** Loaded when it is first opened, with its words, as its data are. */
export const emojiPicker = new Part(async () => (await Promise.all([import('./EmojiPicker.svelte'), language.enter('seldom')]))[0]);
