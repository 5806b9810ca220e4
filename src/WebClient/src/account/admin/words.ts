import { isKey, t } from '../../i18n/i18n.svelte';

/** The page's words for something that the server names; null: it has none. */
export function wordsOf(key: string): string | null {
  return isKey(key) ? t(key) : null;
}
