import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded in a room that does not keep all that was said, with its words. */
export const keptLine = new Part(async () => (await Promise.all([import('./KeptLine.svelte'), language.enter('seldom')]))[0]);
