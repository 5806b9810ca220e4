import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when somebody asks the reader in, with its words. */
export const invitationCard = new Part(async () => (await Promise.all([import('./InvitationCard.svelte'), language.enter('seldom')]))[0]);
