import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when something waits to be sent. */
export const unsentLines = new Part(async () => (await Promise.all([import('./Unsent.svelte'), language.enter('seldom')]))[0]);
