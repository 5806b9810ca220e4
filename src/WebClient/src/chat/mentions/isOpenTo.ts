import { call } from '../../lib/http';
import { readRoom } from '../model/protocol';

/** Whether the reader may go into a room. The server describes to an administrator those as well of which he reads nothing. */
export async function isOpenTo(room: string): Promise<boolean> {
  const answer = await call<unknown>('GET', `/api/rooms/${room}`);
  const found = answer.ok ? readRoom(answer.value) : null;
  return found !== null && (found.member || found.visibility === 'public');
}
