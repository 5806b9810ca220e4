import type { Answer } from '../../lib/http';

/** What the reader keeps of messages: nobody else sees it. */
export interface MyMessages {
  isSaved(topic: string, seq: number): boolean;
  /** Saves it, or takes it off. */
  turnSaved(topic: string, seq: number): Promise<Answer<unknown>>;
  /** What comes after this seq is unread again, on all devices. */
  goBack?(room: string, seq: number, epoch: string): void;
}
