import { describe, expect, it } from 'vitest';
import { highest, isEmpty, lastKnown, plotsOf, rowsOf } from '../../../src/account/admin/figures';
import type { Figures } from '../../../src/account/admin/wire';

const from = '2026-11-30T10:00:00Z';
const at = (minutes: number) => Date.parse(from) / 1_000 + minutes * 60;
const figures = (series: Record<string, (number | null)[]>): Figures => ({
  stepSeconds: 60,
  from,
  series: Object.entries(series).map(([name, values]) => ({ name, unit: 'count', values })),
});

describe('The figures of a server', () => {
  it('are drawn in the page’s order, both of delivery in one plot, and what the server does not say is not there', () => {
    const plots = plotsOf(figures({ delivery_p99_ms: [3, 4], connections: [1, 2], unheard_of: [9, 9], delivery_p50_ms: [1, 2] }));
    expect(plots.map(({ name, curves }) => [name, curves.map((curve) => curve.name)])).toEqual([
      ['connections', ['connections']],
      ['delivery', ['delivery_p50_ms', 'delivery_p99_ms']],
    ]);
    expect(plots[0]!.times).toEqual([at(0), at(1)]);
  });

  it('are empty while nothing was measured, and not once there is one value', () => {
    expect(isEmpty(plotsOf(figures({ messages: [null, null] }))[0]!)).toBe(true);
    expect(isEmpty(plotsOf(figures({ messages: [null, 0] }))[0]!)).toBe(false);
  });

  it('are read out from the newest that is known', () => {
    const [plot] = plotsOf(figures({ delivery_p50_ms: [1, 2, null, null], delivery_p99_ms: [1, 2, 3, null] }));
    expect(lastKnown(plot!)).toBe(2);
    expect(lastKnown(plotsOf(figures({ messages: [null] }))[0]!)).toBeNull();
  });

  it('become a table of few rows, the newest first, each with the peak of its time and none without a value', () => {
    const [plot] = plotsOf(figures({ messages: [1, 7, null, null, 3, 2] }));
    expect(rowsOf(plot!, 3)).toEqual([
      { at: at(4), values: [3] },
      { at: at(0), values: [7] },
    ]);
    expect(rowsOf(plot!, 100).map(({ values }) => values[0])).toEqual([2, 3, 7, 1]);
  });

  it('have no peak where nothing is known, and one below zero where all are', () => {
    expect([highest([null]), highest([]), highest([-3, null, -1])]).toEqual([null, null, -1]);
  });
});
