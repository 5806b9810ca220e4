import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

const texts = {
  'pt-BR': async () => (await import('../../i18n/ptBRAdmin')).ptBRAdmin,
  en: async () => (await import('../../i18n/enAdmin')).enAdmin,
};

/** Loaded when an administrator wants to look after the server, with its words; those for what is wrong with a field are seldom wanted elsewhere, too. */
export const adminPart = new Part(async () => (await Promise.all([import('./AdminPage.svelte'), language.enter('admin', texts), language.enter('seldom')]))[0]);
/** What draws curves, and the library that it does so with. */
export const plotsPart = new Part(() => import('./Plots.svelte'));
/** The field for the password alone, with its words: rooms of others are deleted from their own page, too. */
export const proofPart = new Part(async () => (await Promise.all([import('./ProofField.svelte'), language.enter('admin', texts), language.enter('seldom')]))[0]);
