import type { Kind } from '../../lib/kind';
import { takesJoinRequests } from '../model/asking';
import type { Room } from '../model/protocol';
import { looksAfter, quietUntil } from '../model/rules';

/** Why a room that is known does not let somebody in by himself; null: as far as is known, it does. */
export function whyShut(room: Room | null, kind: Kind): 'banned' | 'archived' | 'guests' | 'quiet' | 'request' | 'invite' | 'full' | null {
  if (room?.banned) return 'banned';
  if (room?.rules?.archived && !room.member) return 'archived';
  if (kind === 'guest' && room?.rules?.guests === 'none') return 'guests';
  if (takesJoinRequests(room) && !room!.member && !room!.mine) return 'request';
  if (kind === 'guest' && !room?.member && quietUntil(room)) return 'quiet';
  if (room?.visibility === 'public' && !room.member && (room.rules?.entry ?? 'open') !== 'open' && !room.mine) return 'invite';
  const { capacity = 0 } = room?.rules ?? {};
  return capacity > 0 && room!.people >= capacity && !looksAfter(room) ? 'full' : null;
}
