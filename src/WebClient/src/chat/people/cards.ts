import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when the first card is opened, with its words. */
export const cards = new Part(async () => (await Promise.all([import('./PersonCard.svelte'), language.enter('seldom')]))[0]);
