import { afterEach, describe, expect, it, vi } from 'vitest';
import { DataTopic } from '../../../src/chat/devices/dataTopic.svelte';
import type { Entity } from '../../../src/chat/devices/entity';
import { bucketOf, History, mostPoints } from '../../../src/chat/devices/history';
import { drawn, height, sparkOf } from '../../../src/chat/devices/spark';
import { fieldOf } from '../../../src/chat/devices/template';
import { describe as describeValue } from '../../../src/chat/devices/undescribed';

const bytes = (text: string) => new TextEncoder().encode(text);
const tenMinutes = 600_000;
const noon = Date.parse('2026-11-30T12:00:00Z');
const tail = (points: (number | null)[], count: number) => points.slice(-count);

/** A topic that hears values at times. */
function topicOf(...said: [at: number, text: string][]) {
  const topic = new DataTopic('t', false, 4_096);
  for (const [index, [at, text]] of said.entries()) topic.hear({ payload: bytes(text), size: text.length, at, order: index, retained: true }, at);
  return topic;
}

afterEach(() => vi.useRealTimers());

describe('A line', () => {
  it('goes from the oldest at the left to the newest at the right, between its lowest and its highest, over gaps', () => {
    const points = [null, 10, null, 30, 20];
    expect(drawn(points)).toEqual({ d: `M1 ${height}L3 0L4 ${height / 2}`, low: 10, high: 30 });
  });

  it('lies in the middle where nothing changes, and is none with less than two points', () => {
    expect(drawn([5, 5])?.d).toBe(`M0 ${height / 2}L1 ${height / 2}`);
    expect([drawn([]), drawn([null, 1, null])]).toEqual([null, null]);
  });

  it('has no figure that is none, however far apart its ends are', () => {
    expect(drawn([-1.7e308, 0, 1.7e308])?.d).toBe(`M0 ${height}L1 ${height / 2}L2 0`);
  });
});

describe('The history of a topic', () => {
  it('is what the server has kept, and goes on with what is heard, the last of each ten minutes', () => {
    vi.useFakeTimers({ now: noon });
    const topic = topicOf();
    topic.readHistory([{ points: [...Array<null>(142).fill(null), 1, 2] }, { field: 'humidity', points: [40] }]);
    const hear = (minutes: number, text: string) => topic.hear({ payload: bytes(text), size: text.length, at: noon + minutes * 60_000, order: 1, retained: true }, 0);
    const now = bucketOf(noon);
    expect(tail(topic.pointsOf('', now), 3)).toEqual([null, 1, 2]);
    hear(1, '3');
    hear(2, '4');
    expect(tail(topic.pointsOf('', now), 3)).toEqual([null, 1, 4]);
    hear(11, '5');
    hear(31, '{"humidity":41}');
    expect(tail(topic.pointsOf('', now + 3), 5)).toEqual([1, 4, 5, null, null]);
    // The clock of who draws is a little behind.
    expect(topic.pointsOf('', now)).toEqual(topic.pointsOf('', now + 3));
    expect(tail(topic.pointsOf('humidity', now + 4), 6)).toEqual([null, 40, null, null, 41, null]);
    expect(topic.pointsOf('', now + mostPoints + 9).every((point) => point === null)).toBe(true);
    expect(topic.pointsOf('nothing', now)).toHaveLength(mostPoints);
  });

  it('begins with what is heard where the server has none', () => {
    const topic = topicOf([noon, '1'], [noon + tenMinutes, 'ON'], [noon + 2 * tenMinutes, '3']);
    expect(tail(topic.pointsOf('', bucketOf(noon) + 2), 3)).toEqual([1, null, 3]);
  });

  it('takes no more fields than the server, and nothing that is no list of numbers', () => {
    const history = new History(100);
    history.say(Array.from({ length: 12 }, (_, index) => [`f${index}`, index]), 100);
    expect([history.pointsOf('f7', 100).at(-1), history.pointsOf('f8', 100).at(-1)]).toEqual([7, null]);
    expect(History.from('no list', 1)).toBeNull();
    expect(History.from([7, { points: 'no' }, { points: ['1', 2] }], 1)?.pointsOf('', 1).slice(-2)).toEqual([null, 2]);
  });
});

describe('A tile', () => {
  const sensor = (template: string | null): Entity => ({ ...describeValue('t', 1), kind: 'sensor', states: [{ topic: 't', template }], unit: '', precision: null }) as Entity;
  const sparkIn = (topic: DataTopic, template: string | null) => sparkOf(sensor(template), { read: () => topic }, bucketOf(noon) + 1);

  it('draws what its template takes of the value', () => {
    const topic = topicOf([noon, '{"temp":20,"a b":1}'], [noon + tenMinutes, '{"temp":22,"a b":3}']);
    expect(sparkIn(topic, '{{ value_json.temp | round(1) }}')).toMatchObject({ low: 20, high: 22 });
    expect(sparkIn(topic, "{{ value_json['a b'] }}")).toMatchObject({ low: 1, high: 3 });
    expect([sparkIn(topic, null), sparkIn(topic, '{{ value_json.none }}')]).toEqual([null, null]);
    expect(sparkIn(topicOf([noon, '1.5'], [noon + tenMinutes, '2']), null)).toMatchObject({ low: 1.5, high: 2 });
    expect(sparkIn(topicOf([noon, '1'], [noon, '2'], [noon + tenMinutes, 'away']), null)).toBeNull();
  });

  it('knows the field of a template that is one member', () => {
    const templates = [null, '{{ value }}', '{{value_json}}', '{{ value_json.x | float }}', '{{ value_json.x.y }}', '{{ value_json[0] }}', '{{ value_json.x }} °C', 'x', '{% x %}'];
    expect(templates.map(fieldOf)).toEqual(['', '', '', 'x', null, null, null, null, null]);
  });
});
