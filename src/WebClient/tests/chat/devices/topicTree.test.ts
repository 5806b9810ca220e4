import { describe, expect, it } from 'vitest';
import { hexOf, mostRows, rowsOf } from '../../../src/chat/devices/topicTree';

const shown = (topics: string[], ...open: string[]) => rowsOf(topics, new Set(open)).map(({ path, depth, isTopic, below }) => `${path}|${depth}${isTopic ? '*' : ''}|${below}`);

describe('The tree of topics', () => {
  it('has its levels in order, as far as they are open', () => {
    const topics = ['bed/temp', 'bed', 'attic/a/b'];
    expect(shown(topics)).toEqual(['attic|0|1', 'bed|0*|1']);
    expect(shown(topics, 'bed', 'attic')).toEqual(['attic|0|1', 'attic/a|1|1', 'bed|0*|1', 'bed/temp|1*|0']);
  });

  it('knows empty levels', () => {
    expect(shown(['/a', 'b//c'], '', 'b', 'b/')).toEqual(['|0|1', '/a|1*|0', 'b|0|1', 'b/|1|1', 'b//c|2*|0']);
  });

  it('draws no more rows than a page can bear', () => {
    expect(shown(Array.from({ length: 3_000 }, (_, index) => `t${index}`))).toHaveLength(mostRows);
  });
});

it('Bytes are shown with where they stand and what of them can be read', () => {
  expect(hexOf(new Uint8Array([0, 65, 255, 66, 1, 2, 3, 4, 67]))).toBe('0000 00 41 ff 42 01 02 03 04 ·A·B····\n0008 43                      C');
});
