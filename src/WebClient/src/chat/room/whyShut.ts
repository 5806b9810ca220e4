import type { Kind } from '../../lib/kind';
import type { Room } from '../model/protocol';

/** Why a room that is known does not let somebody in by himself; null: as far as is known, it does. */
export function whyShut(room: Room | null, kind: Kind): 'banned' | 'guests' | 'invite' | null {
  if (room?.banned) return 'banned';
  if (kind === 'guest' && room?.rules?.guests === 'none') return 'guests';
  return room?.visibility === 'public' && (room.rules?.entry ?? 'open') !== 'open' && !room.mine ? 'invite' : null;
}
