/** What of a room its reader wants to be called for, from all to nothing. */
export const levels = ['all', 'mentions', 'nothing'] as const;
export type Level = (typeof levels)[number];

export function readLevel(value: unknown): Level | null {
  return levels.find((level) => level === value) ?? null;
}
