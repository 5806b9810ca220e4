import { language } from '../i18n/i18n.svelte';
import { Part } from '../lib/part.svelte';

/** The pages behind a link that somebody was sent: few visits have one, and the others do without these. */
export const linkPart = new Part(async () => (await Promise.all([import('./linkPages'), language.enter('inside'), language.enter('seldom')]))[0], { reloads: true });
