import type { Room } from './protocol';

/** Whether people ask to be let into it. */
export function takesJoinRequests(room: Room | null): boolean {
  return room?.visibility === 'public' && room.rules?.entry === 'request';
}
