import type { Room } from './protocol';

/** Whether people ask to be let into it now: what waits in an archived room waits until it is open. */
export function takesJoinRequests(room: Room | null): boolean {
  return room?.visibility === 'public' && room.rules?.entry === 'request' && !room.rules.archived;
}
