import { reacted } from '../model/merge';
import type { Author, Reaction } from '../model/protocol';
import type { Line } from '../compose/outbox.svelte';

/** What the reader has done with one message and the log does not have yet. */
export interface Acting {
  /** The text as it will be; null: it is not being changed. */
  text: string | null;
  deleting: boolean;
  /** The newest that was refused. */
  failed: Line | null;
}

export const nothing: Acting = { text: null, deleting: false, failed: null };

/** By the message that it is done with. */
export function actingOn(lines: readonly Line[]): ReadonlyMap<number, readonly Line[]> {
  const found = new Map<number, Line[]>();
  for (const line of lines) {
    if (!line.act) continue;
    const before = found.get(line.act.of);
    if (before) before.push(line);
    else found.set(line.act.of, [line]);
  }
  return found;
}

/** What is shown in the place of the message meanwhile. */
export function actingIn(lines: readonly Line[]): Acting {
  if (lines.length === 0) return nothing;
  const under = lines.filter((line) => line.state !== 'failed').map((line) => line.act!);
  return {
    text: under.findLast((act) => act.command === 'edit')?.text ?? null,
    deleting: under.some((act) => act.command === 'delete'),
    failed: lines.findLast((line) => line.state === 'failed') ?? null,
  };
}

/** The reactions as they will be: what is pressed is there at once. */
export function withMine(reactions: readonly Reaction[], lines: readonly Line[], me: Author): readonly Reaction[] {
  const under = lines.filter((line) => line.state !== 'failed').map((line) => line.act!);
  return under.reduce((so, act) => (act.command === 'reaction' ? reacted(so, act.emoji, act.on, me, me.user) : so), reactions);
}
