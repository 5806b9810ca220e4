import { isRecord } from '../../lib/http';

/** Dice that the server threw. */
export interface Roll {
  /** As it was asked for: "2d6". */
  dice: string;
  rolls: readonly number[];
  total: number;
}

/** What the server has found in a message: whom it names, and what was thrown for it. */
export interface Named {
  /** By user name. */
  mentions?: readonly string[];
  /** It calls all who are in the room. */
  everyone?: true;
  roll?: Roll;
}

/** `@room` calls all. */
const all = 'room';

export function readNamed({ mentions, everyone, roll }: Record<string, unknown>): Named {
  const thrown = readRoll(roll);
  return {
    ...(Array.isArray(mentions) ? { mentions: mentions.filter((user) => typeof user === 'string') } : {}),
    ...(everyone === true ? { everyone } : {}),
    ...(thrown ? { roll: thrown } : {}),
  };
}

/** After an edit, which names whom its own text names. */
export function renamed<E extends Named>({ mentions: _before, ...left }: E, { mentions }: Named): E {
  return { ...left, ...(mentions && { mentions }) } as unknown as E;
}

/** The names in a message that mean this reader. */
export function namesOf({ mentions, everyone }: Named, me: string): readonly string[] {
  return [...(mentions?.includes(me) ? [me] : []), ...(everyone ? [all] : [])];
}

/** Whether a message names the reader, calls all, or answers what the reader has said. */
export function isCalled(message: Named & { quote?: { user: string } }, me: string): boolean {
  return namesOf(message, me).length > 0 || message.quote?.user === me;
}

function readRoll(value: unknown): Roll | null {
  if (!isRecord(value) || typeof value['dice'] !== 'string' || typeof value['total'] !== 'number' || !Array.isArray(value['rolls'])) return null;
  return { dice: value['dice'], rolls: value['rolls'].filter((one) => typeof one === 'number'), total: value['total'] };
}
