import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when it is first asked for, with its words. */
export const helpSheet = new Part(async () => (await Promise.all([import('./HelpSheet.svelte'), language.enter('seldom')]))[0]);
