import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when somebody first reports a message, with its words. */
export const reportDialog = new Part(async () => (await Promise.all([import('./ReportDialog.svelte'), language.enter('seldom')]))[0]);
