import { t } from '../i18n/i18n.svelte';
import type { RoomState } from './room/room.svelte';
import type { OpenRooms } from './rooms/openRooms.svelte';
import type { RoomDirectory } from './rooms/roomDirectory.svelte';
import type { Conversations } from './talk/conversations.svelte';

export interface Named {
  readonly me: { readonly user: string };
  readonly conversations: Conversations;
  readonly opened: OpenRooms<RoomState>;
  readonly directory: RoomDirectory;
}

/** `@name`: the conversation with somebody. */
export function titleOf({ conversations, opened, directory }: Named, room: string): string {
  if (room.startsWith('@')) return conversations.find(room.slice(1))?.name ?? room;
  return opened.get(room)?.title ?? directory.find(room)?.title ?? room;
}

/** Of a room, or of whom one talks to. */
export function nameOf(known: Named, topic: string): string {
  const id = topic.slice(topic.indexOf('/') + 1);
  return topic.startsWith('rooms/') ? titleOf(known, id) : id === known.me.user ? t('talk.mine') : (known.conversations.find(id)?.name ?? id);
}
