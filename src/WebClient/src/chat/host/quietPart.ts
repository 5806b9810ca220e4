import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded where a room is kept quiet, or is to be, with its words. */
export const quietLine = new Part(async () => (await Promise.all([import('./QuietLine.svelte'), language.enter('seldom')]))[0]);

/** The same for who looks after a room. */
export const quietButton = new Part(async () => (await Promise.all([import('./QuietButton.svelte'), language.enter('seldom')]))[0]);
