import { language } from '../../i18n/i18n.svelte';

/** The server has a name for why it refused something: its words are not those of a first visit. Until they are there, others stand. */
export function named(refusal: { name?: string | null } | null): void {
  if (refusal?.name) void language.enter('seldom').catch(() => undefined);
}
