import type { Emoji } from '../../lib/emoji/emoji';
import { findEmoji } from '../../lib/emoji/find';
import { ranked } from '../../lib/ranked';
import { searchText } from '../../lib/searchText';

/** What is being typed and may be completed: a mark, and what stands between it and the caret. */
export interface Word {
  mark: '@' | '#' | ':' | '/';
  query: string;
  from: number;
  to: number;
}

export interface Option {
  key: string;
  /** What stands in the text then. */
  insert: string;
  /** What is shown: a name, and beside it what tells it from another of that name. */
  name: string;
  beside: string;
}

/** Enough to choose from; who wants another types on. */
const mostOptions = 8;
const queries: Record<Word['mark'], RegExp> = {
  '@': /^[\p{L}\p{N}\p{M}._-]*$/u,
  '#': /^[\p{L}\p{N}\p{M}-]*$/u,
  // `:)` and `10:30` are none.
  ':': /^[\p{L}\p{M}+-][\p{L}\p{N}\p{M}_+-]+$/u,
  '/': /^[\p{L}]*$/u,
};
const longest = 40;

/** What the caret stands behind; null: nothing that can be completed. */
export function wordAt(text: string, caret: number): Word | null {
  let from = caret;
  while (from > 0 && caret - from <= longest && !/\s/.test(text[from - 1]!)) from--;
  const typed = text.slice(from, caret);
  // Behind a bracket or a mark of emphasis too; within a word, as in an e-mail address, it is part of that.
  const found = /(?:^|[([{"'*_~|>])([@#:/])([^@#:/]*)$/u.exec(typed);
  if (!found) return null;
  const [mark, query] = [found[1] as Word['mark'], found[2]!];
  const start = caret - query.length - 1;
  if (!queries[mark].test(query) || (mark === '/' && start > 0)) return null;
  return { mark, query, from: start, to: caret };
}

interface Person {
  user: string;
  name: string;
}

/** Those who are here, then those who could be. */
export function peopleFor(query: string, here: readonly Person[], away: readonly Person[] = []): Option[] {
  const known = new Set(here.map(({ user }) => user));
  const find = (people: readonly Person[]) => best(query, people, ({ user, name }) => [user, name]);
  return [...find(here), ...find(away.filter(({ user }) => !known.has(user)))].slice(0, mostOptions).map(({ user, name }) => ({ key: user, insert: `@${user}`, name, beside: `@${user}` }));
}

export function roomsFor(query: string, rooms: readonly { id: string; title: string }[]): Option[] {
  return best(query, rooms, ({ id, title }) => [id, title]).map(({ id, title }) => ({ key: id, insert: `#${id}`, name: title, beside: `#${id}` }));
}

export function emojiFor(query: string, table: readonly Emoji[]): Option[] {
  return findEmoji(query, table, mostOptions).map(({ emoji, name }) => ({ key: emoji, insert: emoji, name: emoji, beside: `:${name}:` }));
}

export function commandsFor<Name extends string>(query: string, commands: readonly Name[], hint: (command: Name) => string): Option[] {
  const begun = commands.filter((command) => command.startsWith(query.toLowerCase()));
  return begun.map((command) => ({ key: command, insert: `/${command}`, name: `/${command}`, beside: hint(command) }));
}

/** Those that begin with it, then those of which a later word does. */
function best<T>(query: string, all: readonly T[], textsOf: (one: T) => string[]): T[] {
  const wanted = searchText(query);
  return ranked(all, (one) => {
    const texts = textsOf(one).map(searchText);
    if (texts.some((text) => text.startsWith(wanted))) return 0;
    return texts.some((text) => text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))) ? 1 : null;
  }, mostOptions);
}
