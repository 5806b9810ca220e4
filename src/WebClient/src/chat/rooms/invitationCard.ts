import { Part } from '../../lib/part.svelte';

/** Loaded when somebody asks the reader in. */
export const invitationCard = new Part(() => import('./InvitationCard.svelte'));
