/** What can be typed behind a slash; the names are the same in all languages. */
export const commands = ['me', 'roll', 'show', 'quiet', 'help'] as const;
export type Command = (typeof commands)[number];

/** The server throws no more, and none with more sides. */
export const mostDice = 100;
export const mostSides = 1000;

/**
 * What becomes of what was written: it is said (`action`: as what its author does), it is a command, or it looks like one that there is not, or
 * that needs more. Never is such a one said.
 */
export type Written = { kind: 'said'; text: string; action: boolean } | { kind: 'roll'; dice: string } | { kind: 'show'; what: string } | { kind: 'quiet' } | { kind: 'command'; command: 'help' } | { kind: 'unknown' | 'unfinished'; name: string };

/** `rolls`: it is a room, where dice are thrown and devices shown. `hosts`: the writer looks after it. Two slashes at the beginning say one. Whoever goes on behind a command that takes nothing may have meant to say it: it is not lost. */
export function readWritten(text: string, rolls = true, hosts = false): Written {
  if (text.startsWith('//')) return { kind: 'said', text: text.slice(1), action: false };
  if (!text.startsWith('/')) return { kind: 'said', text, action: false };
  const name = /^\/(\S*)/.exec(text)![1]!;
  const command = commands.find((one) => one === name.toLowerCase());
  const rest = text.slice(name.length + 1).trim();
  if (command === 'me') return rest === '' ? { kind: 'unfinished', name } : { kind: 'said', text: rest, action: true };
  if (command === 'roll' && rolls) return areDice(rest) ? { kind: 'roll', dice: rest.toLowerCase() } : { kind: 'unfinished', name };
  if (command === 'show' && rolls) return rest === '' ? { kind: 'unfinished', name } : { kind: 'show', what: rest };
  if (command === 'quiet' && hosts && rest === '') return { kind: 'quiet' };
  return command === 'help' && rest === '' ? { kind: 'command', command } : { kind: 'unknown', name };
}

/** What can be typed there. */
export function commandsIn(rolls: boolean, hosts = false): readonly Command[] {
  return commands.filter((command) => (command === 'quiet' ? hosts : rolls || (command !== 'roll' && command !== 'show')));
}

function areDice(text: string): boolean {
  const [, count, sides] = /^(\d{0,4})d(\d{1,4})$/i.exec(text) ?? [];
  const [dice, of] = [count === '' ? 1 : Number(count), Number(sides)];
  return dice >= 1 && dice <= mostDice && of >= 2 && of <= mostSides;
}
