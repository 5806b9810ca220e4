import { t } from '../../i18n/i18n.svelte';
import { formatted } from '../../lib/format/formatted';
import { words } from '../../lib/format/words';
import type { RoomEvent } from '../model/protocol';

/** By which name somebody speaks: a hook in somebody's stead. */
export const speakerOf = ({ from, via }: Pick<RoomEvent, 'from' | 'via'>) => (via ? `${from.name} ${t('chat.via')} ${via}` : from.name);

/** What a screen reader says of something that was said or changed just now: without marks, and without what is hidden. */
export function announcementOf(event: RoomEvent): string {
  const said = { name: speakerOf(event), text: words(formatted(event.text).blocks, t('text.spoiler')) };
  return t(event.type === 'edit' ? 'chat.saidEdit' : event.action ? 'chat.did' : 'chat.said', said);
}
