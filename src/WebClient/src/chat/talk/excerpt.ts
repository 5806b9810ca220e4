import { t } from '../../i18n/i18n.svelte';
import type { Conversation } from '../model/told';
import { shownOf } from '../model/shown';

/** The last thing said, in one line; empty: nothing is known of it. */
export function lastLine({ last, name }: Conversation, me: string): string {
  if (!last) return '';
  const isMine = last.from.user === me;
  if (last.type === 'removed') return t('chat.deleted');
  if (last.action) return t('chat.did', { name: isMine ? last.from.name : name, text: shownOf(last.text) });
  return isMine ? t('talk.lastMine', { text: shownOf(last.text) }) : shownOf(last.text);
}
