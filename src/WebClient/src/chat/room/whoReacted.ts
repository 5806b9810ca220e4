import { t, tn } from '../../i18n/i18n.svelte';
import type { Reaction } from '../model/protocol';

/** In words: of many, the first are named. */
export function whoReacted({ emoji, count, users }: Reaction): string {
  const names = users.map((author) => author.name).join(', ');
  return count > users.length ? tn('chat.reactionMore', count - users.length, { emoji, names }) : t('chat.reaction', { emoji, names });
}
