import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when a command is begun, or something written is asked about, with its words: few messages begin with a slash. */
export const slash = new Part(async () => (await Promise.all([import('./slash'), language.enter('seldom')]))[0]);
