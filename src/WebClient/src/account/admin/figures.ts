import type { Figures } from './wire';
import { bytesOf, millisecondsOf, numberOf } from './units';

/** The plots of the page, in their order; each has a curve or two of the server's. */
const plots = {
  connections: { series: ['connections'], format: numberOf, whole: true },
  messages: { series: ['messages'], format: numberOf },
  delivery: { series: ['delivery_p50_ms', 'delivery_p99_ms'], format: millisecondsOf },
  disk: { series: ['disk_bytes'], format: bytesOf },
  memory: { series: ['memory_bytes'], format: bytesOf },
} as const;

export type PlotName = keyof typeof plots;
export type SeriesName = (typeof plots)[PlotName]['series'][number];
export type Values = readonly (number | null)[];

export interface PlotData {
  name: PlotName;
  /** Seconds since 1970, one for each value. */
  times: readonly number[];
  curves: readonly { name: SeriesName; values: Values }[];
  format: (value: number) => string;
  /** There are no halves of it. */
  whole: boolean;
}

/** What there is to draw: the server may say less than the page knows. */
export function plotsOf(figures: Figures): PlotData[] {
  const first = Date.parse(figures.from) / 1_000;
  return (Object.keys(plots) as PlotName[]).flatMap((name) => {
    const { series, format } = plots[name];
    const whole = 'whole' in plots[name];
    const curves = series.flatMap((one) => {
      const found = figures.series.find((given) => given.name === one);
      return found ? [{ name: one, values: found.values }] : [];
    });
    const count = Math.max(0, ...curves.map(({ values }) => values.length));
    return curves.length === 0 ? [] : [{ name, curves, format, whole, times: Array.from({ length: count }, (_, index) => first + index * figures.stepSeconds) }];
  });
}

export function isEmpty({ curves }: PlotData): boolean {
  return curves.every(({ values }) => values.every((value) => value === null));
}

/** The place of the newest value that is known; null: there is none. */
export function lastKnown({ curves, times }: PlotData): number | null {
  for (let index = times.length - 1; index >= 0; index--) if (curves.some(({ values }) => values[index] != null)) return index;
  return null;
}

export interface TableRow {
  /** Seconds since 1970. */
  at: number;
  values: (number | null)[];
}

/** The same as a table of `most` rows at most, the newest first: of the steps of a row each curve's highest value, for it is the peaks that one looks for. */
export function rowsOf({ times, curves }: PlotData, most: number): TableRow[] {
  const each = Math.max(1, Math.ceil(times.length / most));
  const rows: TableRow[] = [];
  for (let begin = 0; begin < times.length; begin += each) {
    const values = curves.map((curve) => highest(curve.values.slice(begin, begin + each)));
    if (values.some((value) => value !== null)) rows.push({ at: times[begin]!, values });
  }
  return rows.reverse();
}

export function highest(values: Values): number | null {
  return values.reduce((most, value) => (value !== null && (most === null || value > most) ? value : most), null);
}
