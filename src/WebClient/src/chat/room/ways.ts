import type { Answer } from '../../lib/http';

/** The ways out of a room and back into it: whoever knows all rooms of the account provides them. */
export interface Ways {
  /** Off the room's list and out of it. */
  leave(room: string): Promise<Answer<unknown>>;
  /** Whether the account may come back into a room that it was put out of, or lost. */
  mayComeBack(room: string): boolean;
  comeBack(room: string): void;
}
