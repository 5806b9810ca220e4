import { t } from '../../i18n/i18n.svelte';
import type { IconName } from '../../ui/Icon.svelte';
import type { Action } from './may';

export const actionIcons: Record<Action, IconName> = {
  react: 'smile',
  reply: 'reply',
  whisper: 'whisper',
  edit: 'edit',
  copy: 'copy',
  link: 'link',
  shell: 'shell',
  save: 'bookmark',
  unread: 'unread',
  pin: 'pin',
  report: 'warning',
  moderate: 'person',
  remove: 'trash',
};
/** Of those that were taken last: a press away. */
export const quickEmoji = 3;

/** What a press would do now. */
export function actionName(action: Action, pinned: boolean, saved: boolean): string {
  return t(action === 'pin' && pinned ? 'bar.unpin' : action === 'save' && saved ? 'bar.unsave' : `bar.${action}`);
}
