import { describe, expect, it } from 'vitest';
import { RowList, type ListRow } from '../../src/lib/rowList';

const rows = (from: number, to: number): ListRow[] => Array.from({ length: to - from }, (_, index) => ({ key: `k${from + index}`, order: from + index }));

function listOf(count: number, height = 10): RowList<ListRow> {
  const list = new RowList<ListRow>(() => height);
  for (const row of rows(0, count)) list.push(row);
  return list;
}

describe('RowList', () => {
  it('knows where each row begins, and which row covers a place', () => {
    const list = listOf(5);
    list.setHeight(1, 25);
    expect([0, 1, 2, 3, 5].map((index) => list.top(index))).toEqual([0, 10, 35, 45, 65]);
    expect([-5, 0, 9.9, 10, 34, 35, 64, 900].map((place) => list.indexAt(place))).toEqual([0, 0, 0, 1, 1, 2, 4, 4]);
    expect(list.total).toBe(65);
  });

  it('finds a row again after others were put above it', () => {
    const list = new RowList<ListRow>(() => 10);
    for (const row of rows(100, 110)) list.push(row);
    list.unshift(rows(50, 100));
    expect(list.find('k105', 105)).toBe(55);
    expect(list.top(55)).toBe(550);
  });

  it('answers the row that took the place of one that is gone', () => {
    const list = listOf(10);
    list.remove(0, 4);
    expect(list.at(list.find('k2', 2))!.key).toBe('k4');
    expect(list.at(list.find('k99', 99))!.key).toBe('k9');
  });

  it('tells rows of one order apart by their key', () => {
    const list = listOf(3);
    list.insert(1, { key: 'line', order: 1 });
    expect([list.find('line', 1), list.find('k1', 1)]).toEqual([1, 2]);
    expect(list.total).toBe(40);
  });

  it('keeps the measured height of what is drawn anew', () => {
    const list = listOf(3);
    list.setHeight(1, 44);
    list.replace(1, { key: 'k1', order: 1 });
    expect(list.height(1)).toBe(44);
  });

  it('is right after any changes in any order', () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    const list = new RowList<ListRow>(() => 10);
    let heights: number[] = [];
    for (let step = 0; step < 3_000; step++) {
      const at = next(heights.length + 1);
      const height = 1 + next(90);
      const kind = next(6);
      if (kind === 0) (list.push({ key: `${step}`, order: 0 }, height), heights.push(height));
      else if (kind === 1) (list.unshift([{ key: `${step}`, order: 0 }, { key: `${step}b`, order: 0 }]), (heights = [10, 10, ...heights]));
      else if (kind === 2) (list.insert(at, { key: `${step}`, order: 0 }), heights.splice(at, 0, 10));
      else if (kind === 3 && at < heights.length) (list.remove(at), heights.splice(at, 1));
      else if (at < heights.length) (list.setHeight(at, height), (heights[at] = height));
      expect(list.top(at)).toBe(heights.slice(0, Math.min(at, heights.length)).reduce((sum, one) => sum + one, 0));
    }
    expect(list.total).toBe(heights.reduce((sum, one) => sum + one, 0));
  });
});
