import type { Kind } from '../../lib/kind';
import type { Room } from './protocol';
import { looksAfter } from './rules';

/** Who may write data in a room, as far as this page knows: the server has the last word. */
export function mayWriteData(room: Room): boolean {
  return looksAfter(room) || room.rules?.data?.['write'] === 'members';
}

/** Who may read it, of those who are in it. Where nothing is said, members do. */
export function mayReadData(room: Room, kind: Kind): boolean {
  const reads = room.rules?.data?.['read'] ?? 'members';
  if (reads === 'tokens') return false;
  return looksAfter(room) || (reads === 'members' && (kind !== 'guest' || (room.rules?.guests ?? 'write') === 'write'));
}
