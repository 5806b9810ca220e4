import type { DataTopic } from './dataTopic.svelte';
import { statesOf, type Brightness, type Command, type Entity, type Of, type OnOff, type Source } from './entity';
import { render } from './template';

/** How a tile finds the newest value of a topic. */
export interface Values {
  read(topic: string): DataTopic | null;
}

/** What a source says now. `raw`: as it was sent, since its template is none that this page knows. */
export interface Reading {
  /** Null: nothing that is a text. */
  text: string | null;
  from: DataTopic;
  raw: boolean;
}

/** Null: nothing was said there, or nothing that its template takes for a value. */
export function readingOf({ topic, template }: Source, values: Values): Reading | null {
  const from = values.read(topic);
  if (from === null || from.size === 0) return null;
  if (template === null || from.text === null) return { text: from.text, from, raw: false };
  const rendered = render(template, from.text);
  if (rendered.kind === 'nothing') return null;
  return rendered.kind === 'text' ? { text: rendered.text.trim(), from, raw: false } : { text: from.text, from, raw: true };
}

/** Of several that say the same thing, the newest word. */
export function newestOf(sources: readonly (Source | null)[], values: Values): Reading | null {
  let newest: Reading | null = null;
  for (const source of sources) {
    const reading = source && readingOf(source, values);
    if (reading && (newest === null || reading.from.isAsNewAs(newest.from))) newest = reading;
  }
  return newest;
}

/** Null: it has said neither. */
export function isOn({ states, stateOn, stateOff }: OnOff, values: Values): boolean | null {
  const text = newestOf(states, values)?.text;
  return text === stateOn ? true : text === stateOff ? false : null;
}

/** Said to be away. Of what says nothing of it, nobody knows. */
export function isOffline({ availability, availableBy }: Entity, values: Values): boolean {
  const heard = availability.flatMap((one) => {
    const reading = readingOf(one, values);
    return reading ? [{ from: reading.from, away: reading.text === one.notAvailable, here: reading.text === one.available }] : [];
  });
  if (heard.length === 0) return false;
  if (availableBy === 'all') return heard.some(({ away }) => away);
  if (availableBy === 'any') return heard.every(({ away }) => away);
  return heard.reduce((latest, one) => (latest.from.isAsNewAs(one.from) ? latest : one)).away;
}

/** When its value was last said, in milliseconds since 1970; null: never. */
export function saidAt(entity: Entity, values: Values): number | null {
  const at = statesOf(entity).map(({ topic }) => values.read(topic)?.at ?? 0);
  const newest = Math.max(0, ...at);
  return newest === 0 ? null : newest;
}

/** How often it has answered, for who waits for that. */
export function answersOf(entity: Entity, values: Values): number {
  return [...new Set(statesOf(entity).map(({ topic }) => topic))].reduce((sum, topic) => sum + (values.read(topic)?.heard ?? 0), 0);
}

/** In hundredths; null: not said. */
export function percentOf({ state, scale }: Brightness, values: Values): number | null {
  const found = Number((state && readingOf(state, values)?.text) ?? Number.NaN);
  return Number.isFinite(found) ? Math.round(Math.min(1, Math.max(0, found / scale)) * 100) : null;
}

/** A number that it says; null: none. */
export function numberOf(source: Source | null, values: Values): number | null {
  const text = source && readingOf(source, values)?.text;
  return text == null || text.trim() === '' || !Number.isFinite(Number(text)) ? null : Number(text);
}

export type CoverState = 'open' | 'closed' | 'opening' | 'closing';

/** Null: it says nothing that this page knows. */
export function coverState({ state, position, words }: Of<'cover'>, values: Values): CoverState | null {
  const text = state && readingOf(state, values)?.text;
  if (text === words.isOpen) return 'open';
  if (text === words.isClosed) return 'closed';
  if (text === words.isOpening) return 'opening';
  if (text === words.isClosing) return 'closing';
  const at = numberOf(position, values);
  if (at === null) return null;
  return (words.closedAt <= words.openAt ? at > words.closedAt : at < words.closedAt) ? 'open' : 'closed';
}

/** How far it is open, in hundredths; null: not said. */
export function openingOf({ position, words: { closedAt, openAt } }: Of<'cover'>, values: Values): number | null {
  const at = numberOf(position, values);
  return at === null || openAt === closedAt ? null : Math.round(Math.min(1, Math.max(0, (at - closedAt) / (openAt - closedAt))) * 100);
}

/** Members of an object that are shown as lines, and those within one of them, a level deep. */
const mostMembers = 12;

/**
 * What an object says, member by member, lists as they were sent. What lies deeper is left to the list of topics.
 *
 * @param but Members that are shown elsewhere.
 */
export function membersOf({ topic }: Source, values: Values, but: readonly string[] = []): { name: string; value: string }[] {
  const lines = linesOf('', values.read(topic)?.json).filter(([name]) => !but.includes(name));
  return lines.slice(0, mostMembers).map(([name, value]) => ({ name, value: Array.isArray(value) ? JSON.stringify(value) : String(value) }));
}

function linesOf(before: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    if (typeof inner !== 'object' || Array.isArray(inner)) return [[before + name, inner]];
    return before === '' && inner !== null ? linesOf(`${name} `, inner) : [];
  });
}

/** What is published to have it do that. Null: the template is none that this page knows, and nothing is sent. */
export function payloadOf({ template }: Command, value: string): string | null {
  if (template === null) return value;
  const rendered = render(template, value);
  return rendered.kind === 'text' ? rendered.text : null;
}
