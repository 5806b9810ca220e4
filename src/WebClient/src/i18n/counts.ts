import { t, tn } from './i18n.svelte';

/** Nobody is a word of its own: Portuguese would count zero as one. */
export function peopleHere(count: number): string {
  return count === 0 ? t('rooms.nobody') : tn('rooms.people', count);
}
