import { t, tn } from './i18n.svelte';

/** What there is to see in the column of rooms, where it is out of sight. */
export function marksOf(unread: number, invited: number): string[] {
  return [...(unread > 0 ? [tn('rooms.unread', unread)] : []), ...(invited > 0 ? [tn('rooms.invited', invited)] : [])];
}

/** Nobody is a word of its own: Portuguese would count zero as one. */
export function peopleHere(count: number): string {
  return count === 0 ? t('rooms.nobody') : tn('rooms.people', count);
}
