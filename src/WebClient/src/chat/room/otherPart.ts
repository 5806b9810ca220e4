import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Another part of a log than its end: loaded when a reader first goes there, with its words. */
export const otherPart = new Part(async () => (await Promise.all([import('./AroundView.svelte'), language.enter('seldom')]))[0]);
