import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Link } from '../../../src/chat/link/link';
import { mostEntities } from '../../../src/chat/devices/entities';
import { dataOf, mostListed, mostPassing, mostTopics, reshapedEvery } from '../../../src/chat/devices/roomData.svelte';
import { isOn } from '../../../src/chat/devices/tile';

vi.mock('../../../src/lib/base', () => ({ onHost: (path: string) => path, base: '/', url: (path: string) => path }));

const bytes = (text: string) => new TextEncoder().encode(text);
/** What the server has kept, page by page, as they are asked for. */
let pages: { values: object[]; next?: string }[] = [];
let asked: string[] = [];

/** A link that grants, and the hand by which the test says what it hears. */
function opened() {
  const link = { heardData: null as Link['heardData'], subscribe: vi.fn(() => Promise.resolve('granted' as const)), unsubscribe: vi.fn(), publish: vi.fn() };
  const hear = (topic: string, text: string, retain = false) => link.heardData!(`rooms/garden/data/${topic}`, bytes(text), retain);
  return { link: link as unknown as Link & typeof link, hear };
}

const value = (topic: string, text: string, at = '2026-11-29T12:00:00Z') => ({ topic, value: text, at, bytes: text.length });
const settled = () => vi.waitFor(() => expect(data.phase).not.toBe('reading'));
let data: ReturnType<typeof dataOf>;

beforeEach(() => {
  [pages, asked] = [[], []];
  data = dataOf({ id: 'garden' });
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    return Promise.resolve(new Response(JSON.stringify(pages.shift() ?? { values: [] })));
  });
});

afterEach(() => vi.unstubAllGlobals());

describe('The data of a room', () => {
  it('is read once and then heard, and what was heard is newer than what is read', async () => {
    const { link, hear } = opened();
    link.subscribe.mockImplementation(() => {
      hear('bed/temp', '22');
      return Promise.resolve('granted');
    });
    pages = [{ values: [value('bed/temp', '21'), value('bed/humidity', '40')] }];
    const leave = data.look(link);
    await settled();
    expect(link.subscribe).toHaveBeenCalledWith('rooms/garden/data/#', 0, undefined, { rap: true, rh: 2 });
    expect([data.read('bed/temp')?.text, data.read('bed/humidity')?.text]).toEqual(['22', '40']);
    expect([data.read('bed/temp')?.retained, data.read('bed/humidity')?.at]).toEqual([true, Date.parse('2026-11-29T12:00:00Z')]);
    leave();
    await vi.waitFor(() => expect(link.unsubscribe).toHaveBeenCalledWith(['rooms/garden/data/#']));
    expect([link.heardData, data.all().length]).toEqual([null, 0]);
  });

  it('goes on with another connection, and drops what was cleared meanwhile', async () => {
    pages = [{ values: [value('a', '1'), value('b', '1')] }, { values: [value('b', '2')] }];
    const first = opened();
    const leave = data.look(first.link);
    await settled();
    first.hear('b', 'old', true);
    leave();
    const second = opened();
    data.look(second.link);
    await vi.waitFor(() => expect(data.read('b')?.text).toBe('2'));
    await vi.waitFor(() => expect(data.read('a')).toBeNull());
  });

  it('says what is refused and what does not come', async () => {
    const { link } = opened();
    link.subscribe.mockResolvedValue('refused' as never);
    data.look(link);
    await settled();
    expect([data.phase, data.problem?.code]).toEqual(['failed', 'not_allowed']);
    const other = dataOf({ id: 'garden' });
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"code":"not_allowed"}', { status: 403 })));
    other.look(opened().link);
    await vi.waitFor(() => expect([other.phase, other.problem?.status]).toEqual(['failed', 403]));
  });

  it('forgets what is cleared, and describes anew what is described', async () => {
    const { link, hear } = opened();
    pages = [{ values: [value('homeassistant/switch/p/config', '{"name":"Pump","cmd_t":"p/set","stat_t":"p"}'), value('p', 'ON')] }];
    data.look(link);
    await settled();
    expect(data.entities.map(({ kind }) => kind)).toEqual(['switch']);
    hear('homeassistant/switch/p/config', '', true);
    await vi.waitFor(() => expect(data.entities.map(({ key }) => key)).toEqual(['p']));
  });

  it('reads what describes first where there are many, and holds no more than it may', async () => {
    const { link, hear } = opened();
    const many = (from: number) => Array.from({ length: 500 }, (_, index) => value(`t/${from + index}`, '1'));
    pages = [{ values: many(0), next: 'n' }, { values: [] }, { values: many(500), next: 'n' }, { values: many(1_000), next: 'n' }, { values: many(1_500), next: 'n' }, { values: many(2_000) }];
    data.look(link);
    await settled();
    expect(asked[1]).toContain('prefix=homeassistant');
    expect([data.all().length, data.more]).toEqual([mostTopics, true]);
    hear('one/more', '1', true);
    expect(data.read('one/more')).toBeNull();
    expect(data.phase).toBe('ready');
  });

  it('leaves the place of values that are kept to these', async () => {
    const { link, hear } = opened();
    data.look(link);
    await settled();
    for (let index = 0; index <= mostPassing; index++) hear(`passing/${index}`, '1');
    expect([data.all().length, data.more]).toEqual([mostPassing, true]);
    hear('kept', '1', true);
    expect(data.read('kept')?.text).toBe('1');
  });

  it('draws what it hears once a frame, however much it is', async () => {
    const { link, hear } = opened();
    pages = [{ values: [value('a', '0')] }];
    data.look(link);
    await settled();
    const before = data.read('a')!.version;
    for (let index = 1; index <= 100; index++) hear('a', String(index));
    await vi.waitFor(() => expect(data.read('a')!.version).toBeGreaterThan(before));
    expect([data.read('a')!.version, data.read('a')!.text, data.read('a')!.heard]).toEqual([before + 1, '100', 100]);
  });

  it('is heard on when another room was looked at just before, by the same connection', async () => {
    const { link, hear } = opened();
    const leave = dataOf({ id: 'attic' }).look(link);
    leave();
    data.look(link);
    await settled();
    await vi.waitFor(() => expect(link.unsubscribe).toHaveBeenCalledWith(['rooms/attic/data/#']));
    hear('bed/temp', '21');
    expect(data.read('bed/temp')?.text).toBe('21');
  });

  it('goes on when something cannot be heard', async () => {
    const { link, hear } = opened();
    data.look(link);
    await settled();
    const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => link.heardData!('rooms/garden/data/a', null as never, false)).not.toThrow();
    expect(told).toHaveBeenCalledOnce();
    told.mockRestore();
    hear('a', '1');
    expect(data.read('a')?.text).toBe('1');
  });

  it('is not ended by a description that nobody can read', async () => {
    const { link, hear } = opened();
    data.look(link);
    await settled();
    const tasmota = { t: 'plug', ft: '%prefix%/%topic%/', tp: [{ toString: 1, valueOf: 1 }], rl: [1] };
    hear('tasmota/discovery/A/config', JSON.stringify(tasmota), true);
    for (const [before, after] of [['{"avty":[', ']}'], ['[', ']'], ['{"dev":', '}']] as const) {
      const deep = `${before.repeat(3_000)}1${after.repeat(3_000)}`;
      hear('homeassistant/switch/x/config', `{"cmd_t":"x/set","avty":[${deep}]}`.slice(0, 32_768), true);
      hear('deep', deep.slice(0, 4_096));
    }
    hear('bed/temp', '21');
    await vi.waitFor(() => expect(data.entities.map(({ key }) => key)).toContain('bed/temp'));
  });

  it('holds no more tiles than it may, however much is described', async () => {
    const { link, hear } = opened();
    data.look(link);
    await settled();
    const cmps = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [index, { p: 'sensor', stat_t: `s/${index}` }]));
    for (let index = 0; index < mostEntities / 50; index++) hear(`homeassistant/device/d${index}/config`, JSON.stringify({ cmps }), true);
    await vi.waitFor(() => expect(data.entities.length).toBe(mostEntities));
    expect(data.more).toBe(false);
    hear('homeassistant/device/further/config', JSON.stringify({ cmps }), true);
    await vi.waitFor(() => expect([data.more, data.entities.length]).toEqual([true, mostEntities]));
    // What is described anew takes the places that it had.
    hear('homeassistant/device/d0/config', JSON.stringify({ cmps: { one: { p: 'sensor', stat_t: 's' } } }), true);
    await vi.waitFor(() => expect(data.entities.length).toBe(mostEntities - 49));
  });

  it('finds its tiles anew for no description that is the same, and four times a second at most', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, 16));
    vi.stubGlobal('cancelAnimationFrame', clearTimeout);
    try {
      const { link, hear } = opened();
      data.look(link);
      await settled();
      const config = (name: string) => hear('homeassistant/switch/p/config', `{"name":"${name}","cmd_t":"p/set"}`, true);
      config('Pump');
      await vi.advanceTimersByTimeAsync(2 * reshapedEvery);
      expect(data.entities[0]?.name).toBe('Pump');
      const before = data.shape;
      for (let frame = 0; frame < 60; frame++) {
        config('Pump');
        await vi.advanceTimersByTimeAsync(17);
      }
      expect(data.shape).toBe(before);
      for (let frame = 0; frame < 60; frame++) {
        config(`Pump ${frame}`);
        await vi.advanceTimersByTimeAsync(17);
      }
      await vi.advanceTimersByTimeAsync(reshapedEvery);
      expect(data.entities[0]?.name).toBe('Pump 59');
      expect(data.shape - before).toBeGreaterThan(1);
      expect(data.shape - before).toBeLessThanOrEqual(6);
    } finally {
      vi.useRealTimers();
    }
  });

  it('reads no more than so much of the list', async () => {
    const { link } = opened();
    const long = 'x'.repeat(mostListed / 4);
    pages = Array.from({ length: 20 }, (_, index) => ({ values: [value(`t/${index}`, long)], next: 'n' }));
    data.look(link);
    await settled();
    expect([data.phase, data.more]).toEqual(['ready', true]);
    expect(asked.length).toBeLessThan(7);
  });

  it('has no ghost of what was cleared while it was read', async () => {
    const { link, hear } = opened();
    let answer!: (response: Response) => void;
    vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)));
    data.look(link);
    await vi.waitFor(() => expect(answer).toBeDefined());
    hear('gone', '', true);
    hear('back', '', true);
    hear('back', '2', true);
    answer(new Response(JSON.stringify({ values: [value('gone', '1'), value('back', '1'), value('stays', '1')] })));
    await settled();
    expect(data.all().map(({ topic, text }) => [topic, text]).sort()).toEqual([['back', '2'], ['stays', '1']]);
  });

  it('takes what it heard for newer than what it read, whatever the clocks say', async () => {
    const { link, hear } = opened();
    pages = [{ values: [value('r/RESULT', '{"POWER":"OFF"}', '2999-01-01T00:00:00Z'), value('r/LATER', '{"POWER":"ON"}', '2999-01-02T00:00:00Z')] }];
    data.look(link);
    await settled();
    const source = (topic: string) => ({ topic, template: '{{ value_json.POWER }}' });
    const onOff = (...states: string[]) => ({ states: states.map(source), stateOn: 'ON', stateOff: 'OFF', command: null, on: '', off: '' });
    expect(isOn(onOff('r/LATER', 'r/RESULT'), data)).toBe(true);
    hear('r/STATE', '{"POWER":"OFF"}');
    expect(isOn(onOff('r/STATE', 'r/LATER'), data)).toBe(false);
    hear('r/LATER', '{"POWER":"ON"}');
    expect(isOn(onOff('r/LATER', 'r/STATE'), data)).toBe(true);
  });

  it('ends with the right to read it, and is read anew with it', async () => {
    const { link } = opened();
    pages = [{ values: [value('a', '1')] }, { values: [value('a', '2')] }];
    const leave = data.look(link, true);
    await settled();
    leave();
    const leaveAgain = data.look(link, false);
    expect([data.phase, data.problem?.status, data.all().length, link.heardData]).toEqual(['failed', 403, 0, null]);
    expect(link.unsubscribe).toHaveBeenCalledWith(['rooms/garden/data/#']);
    link.publish.mockResolvedValue({ ok: true, logged: null });
    expect(await data.publish('a', '1', 1, false)).toMatchObject({ ok: true });
    leaveAgain();
    data.look(link, true);
    expect([data.phase, data.problem]).toEqual(['reading', null]);
    await vi.waitFor(() => expect(data.read('a')?.text).toBe('2'));
  });

  it('makes a switch of a value of Zigbee2MQTT as soon as it has a state', async () => {
    const { link, hear } = opened();
    data.look(link);
    await settled();
    const before = data.shape;
    hear('zigbee2mqtt/plug', '{"linkquality":3}');
    await vi.waitFor(() => expect(data.shape).toBeGreaterThan(before));
    await vi.waitFor(() => expect(data.entities.map(({ kind }) => kind)).toEqual(['object']));
    const { shape } = data;
    hear('zigbee2mqtt/plug', '{"linkquality":3,"state":"ON"}');
    await vi.waitFor(() => expect(data.shape).toBeGreaterThan(shape));
    await vi.waitFor(() => expect(data.entities.map(({ kind }) => kind)).toEqual(['switch']));
  });
});
