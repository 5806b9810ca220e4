import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded with its words where the reader cannot write. */
export const composerMute = new Part(async () => (await Promise.all([import('./ComposerMute.svelte'), language.enter('seldom')]))[0]);
