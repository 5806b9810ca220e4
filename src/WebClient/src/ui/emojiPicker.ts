import { Part } from '../lib/part.svelte';

/** Loaded when it is first opened, as its data are. */
export const emojiPicker = new Part(() => import('./EmojiPicker.svelte'));
