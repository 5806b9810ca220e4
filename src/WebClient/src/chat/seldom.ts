import { language } from '../i18n/i18n.svelte';
import { Part } from '../lib/part.svelte';

/** What is not there at the first glance: loaded when it is first opened, with its words. */
export const seldom = new Part(async () => (await Promise.all([import('./seldomParts'), language.enter('seldom')]))[0]);
