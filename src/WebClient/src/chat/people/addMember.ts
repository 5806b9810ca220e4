import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded in the first private room of one's own, with the words that it is refused in. */
export const addMember = new Part(async () => (await Promise.all([import('./AddMember.svelte'), language.enter('seldom')]))[0]);
