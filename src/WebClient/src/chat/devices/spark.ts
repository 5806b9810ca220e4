import { numberIn, type Points } from './history';
import type { Entity, Source } from './entity';
import { fieldOf } from './template';
import { readingOf, type Values } from './tile';

/** What a line is drawn in; it is stretched to the width of its tile. */
export const width = 143;
export const height = 24;

/** As it is drawn. */
export interface Spark {
  /** Of an SVG path. */
  d: string;
  low: number;
  high: number;
}

/** What its tile shows in numbers, in the last day. Null: there is nothing to draw. */
export function sparkOf(entity: Entity, values: Values, bucket: number): Spark | null {
  const source = numberOf(entity, values);
  const field = source && fieldOf(source.template);
  if (source === null || field === null) return null;
  const topic = values.read(source.topic);
  return topic && drawn(topic.pointsOf(field, bucket));
}

/** Where the number is said that a tile shows; of several the newest. Null: it shows none. */
function numberOf(entity: Entity, values: Values): Source | null {
  const sources = entity.kind === 'sensor' ? entity.states : entity.kind === 'number' ? [entity.state] : entity.kind === 'climate' ? [entity.current] : [];
  let newest: { source: Source; from: NonNullable<ReturnType<typeof readingOf>>['from'] } | null = null;
  for (const source of sources) {
    const reading = source && readingOf(source, values);
    if (source && reading && (newest === null || reading.from.isAsNewAs(newest.from))) newest = { source, from: reading.from };
  }
  // What shows a code, a word or a date has no line, whatever was said before.
  const text = newest && readingOf(newest.source, values)?.text;
  return newest !== null && text != null && numberIn('', text, undefined) !== null ? newest.source : null;
}

/** A path through all points that are known, with the newest at the right. Null: a line has two points at least. */
export function drawn(points: Points): Spark | null {
  let [low, high, known] = [Infinity, -Infinity, 0];
  for (const point of points) {
    if (point === null) continue;
    known++;
    if (point < low) low = point;
    if (point > high) high = point;
  }
  if (known < 2) return null;
  let d = '';
  for (const [index, point] of points.entries()) {
    if (point === null) continue;
    // Divided first: the difference of two numbers may be more than a number holds.
    const share = high === low ? 0.5 : (point / 2 - low / 2) / (high / 2 - low / 2);
    d += `${d === '' ? 'M' : 'L'}${index} ${Math.round((1 - share) * height * 10) / 10}`;
  }
  return { d, low, high };
}
