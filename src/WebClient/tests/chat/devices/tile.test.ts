import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataTopic } from '../../../src/chat/devices/dataTopic.svelte';
import { readDiscovery } from '../../../src/chat/devices/discovery';
import type { Entity, Of } from '../../../src/chat/devices/entity';
import { foreignCommands } from '../../../src/chat/devices/branch';
import { entitiesOf, entityFor, groupsOf } from '../../../src/chat/devices/entities';
import { answersOf, coverState, isOffline, isOn, membersOf, newestOf, openingOf, percentOf, type Values } from '../../../src/chat/devices/tile';
import { describe as describeValue } from '../../../src/chat/devices/undescribed';
import { answersWithin, sentShownFor, Work } from '../../../src/chat/devices/work.svelte';

const bytes = (text: string) => new TextEncoder().encode(text);
const topics = new Map<string, DataTopic>();
const values: Values = { read: (topic) => topics.get(topic) ?? null };
let now = 0;

function say(topic: string, text: string): void {
  const one = topics.get(topic) ?? new DataTopic(topic, false, 4_096);
  one.hear({ payload: bytes(text), size: bytes(text).length, at: ++now, order: now, retained: true }, now);
  topics.set(topic, one);
}

const entity = <K extends Entity['kind']>(component: string, config: unknown) => readDiscovery(`homeassistant/${component}/x/config`, config, '')![0] as Of<K>;

beforeEach(() => topics.clear());

describe('A tile', () => {
  it('is on or off as its state has it, and neither before', () => {
    const { onOff } = entity<'switch'>('switch', { stat_t: 'a', val_tpl: '{{ value_json.s }}', cmd_t: 'a/set', stat_on: 'on', stat_off: 'off' });
    expect(isOn(onOff, values)).toBeNull();
    say('a', '{"s":"on"}');
    expect(isOn(onOff, values)).toBe(true);
    say('a', '{"s":"off"}');
    expect(isOn(onOff, values)).toBe(false);
    say('a', '{"s":"ON"}');
    expect(isOn(onOff, values)).toBeNull();
  });

  it('takes the newest word of several, and none that is no value of its own', () => {
    const sources = [{ topic: 'a', template: null }, { topic: 'b', template: '{{ value_json.p | is_defined }}' }];
    say('a', 'OFF');
    say('b', '{"p":"ON"}');
    expect(newestOf(sources, values)?.text).toBe('ON');
    say('b', '{"other":1}');
    expect(newestOf(sources, values)?.text).toBe('OFF');
  });

  it('shows what its template does not explain as it was sent, and says so', () => {
    say('a', '{"t":1}');
    expect(newestOf([{ topic: 'a', template: '{{ value_json.t * 2 }}' }], values)).toMatchObject({ text: '{"t":1}', raw: true });
  });

  it('is away when it says so: the last word, one of all, or all of several', () => {
    const of = (avty_mode: string) => entity('sensor', { stat_t: 's', avty_mode, avty: [{ t: 'up/1' }, { t: 'up/2' }] });
    expect(isOffline(of('all'), values)).toBe(false);
    say('up/1', 'offline');
    say('up/2', 'online');
    expect(['all', 'any', 'latest'].map((by) => isOffline(of(by), values))).toEqual([true, false, false]);
    say('up/2', 'offline');
    expect(['all', 'any', 'latest'].map((by) => isOffline(of(by), values))).toEqual([true, true, true]);
  });

  it('of a light says how bright it is, of a cover where it stands', () => {
    const light = entity<'light'>('light', { schema: 'json', brightness: true, stat_t: 'l', cmd_t: 'l/set', bri_scl: 200 });
    say('l', '{"state":"ON","brightness":50}');
    expect(percentOf(light.brightness!, values)).toBe(25);
    const cover = entity<'cover'>('cover', { stat_t: 'c', pos_t: 'p', cmd_t: 'c/set' });
    say('p', '30');
    expect(coverState(cover, values)).toBe('open');
    expect(openingOf(cover, values)).toBe(30);
    say('c', 'closing');
    expect(coverState(cover, values)).toBe('closing');
    say('upside', '100');
    say('part', '10');
    const at = (topic: string, more: object) => coverState(entity<'cover'>('cover', { pos_t: topic, ...more }), values);
    expect([at('upside', {}), at('upside', { pos_open: 0, pos_clsd: 100 }), at('part', { pos_open: 0, pos_clsd: 100 })]).toEqual(['open', 'closed', 'open']);
    expect([at('part', {}), at('part', { position_closed: 10 })]).toEqual(['open', 'closed']);
  });

  it('of an object shows its members, a level deep', () => {
    say('o', '{"t":21,"air":{"h":40,"deep":{"x":1}},"list":[1],"none":null}');
    const shown = membersOf((describeValue('o', topics.get('o')!.json) as Of<'object'>).state, values);
    expect(shown).toEqual([{ name: 't', value: '21' }, { name: 'air h', value: '40' }, { name: 'list', value: '[1]' }]);
  });
});

describe('A value', () => {
  it('is text, or bytes, or too long to be shown whole', () => {
    const one = new DataTopic('a', false, 8);
    const take = (payload: Uint8Array) => one.take({ payload, size: payload.length, at: 1, order: 1, retained: true });
    take(bytes('olá'));
    expect([one.text, one.isCut]).toEqual(['olá', false]);
    take(new Uint8Array([0xff, 0]));
    expect([one.text, one.json]).toEqual([null, undefined]);
    take(bytes('\u0000'));
    expect(one.text).toBeNull();
    take(bytes('123456789'));
    expect([one.text, one.isCut, one.size, one.bytes.length]).toEqual([null, true, 9, 8]);
    take(bytes('{"a":1}'));
    expect(one.json).toEqual({ a: 1 });
  });

  it('that is cut is text as far as it goes, if it is text', () => {
    const one = new DataTopic('a', false, 6);
    const take = (payload: Uint8Array) => one.take({ payload, size: payload.length, at: 1, order: 1, retained: true });
    take(bytes('abcdeé and more'));
    expect([one.text, one.beginning]).toEqual([null, 'abcde']);
    take(new Uint8Array(9).fill(0xff));
    expect(one.beginning).toBeNull();
  });

  it('that lies deeper than anybody reads is the text that it is', () => {
    const one = new DataTopic('a', false, 32_768);
    const take = (levels: number) => {
      const payload = bytes('['.repeat(levels) + ']'.repeat(levels));
      one.take({ payload, size: payload.length, at: 1, order: 1, retained: true });
    };
    take(32);
    expect(one.json).toBeInstanceOf(Array);
    take(33);
    expect([one.json, one.text?.length]).toEqual([undefined, 66]);
    take(16_000);
    expect(one.json).toBeUndefined();
  });

  it('keeps nothing of the buffer in which it came', () => {
    const payload = bytes('abcdef');
    const one = new DataTopic('a', false, 3);
    one.take({ payload, size: 6, at: 1, order: 1, retained: false });
    payload.fill(0);
    expect(new TextDecoder().decode(one.bytes)).toBe('abc');
  });

  it('has the rate of its last arrivals, and none when it is silent', () => {
    const one = new DataTopic('a', false, 8);
    for (let at = 0; at <= 2_000; at += 500) one.hear({ payload: bytes('x'), size: 1, at, order: 1, retained: false }, at);
    expect(one.rate(2_100)).toBe(2);
    expect(one.rate(20_000)).toBe(0);
  });
});

describe('What has a tile', () => {
  it('is what is described, and further values that no description shows already', () => {
    const config = { name: 'T', stat_t: 'office/state', avty_t: 'office/up', cmd_t: 'office/set' };
    for (const [topic, value] of [['homeassistant/switch/t/config', JSON.stringify(config)], ['office/state', 'ON'], ['office/up', 'online'], ['office/set', 'ON'], ['bed/temp', '21'], ['zigbee2mqtt/bridge/state', 'online'], ['homeassistant/status', 'online'], ['homeassistant/sensor/broken/config', 'no']] as const) say(topic, value);
    const described = new Map([...topics.values()].filter(({ topic }) => topic.endsWith('/config')).map((one) => [one.topic, readDiscovery(one.topic, one.json, '')]));
    const all = entitiesOf(topics, described);
    expect(all.map(({ key }) => key).sort()).toEqual(['bed/temp', 'homeassistant/sensor/broken/config', 'homeassistant/status', 'homeassistant/switch/t/config']);
    expect(entityFor('bed/temp', all)?.key).toBe('bed/temp');
    expect(entityFor('office/state', all)?.kind).toBe('switch');
    expect(entityFor(' BED temp', all)?.key).toBe('bed/temp');
    expect(entityFor('t', all)?.kind).toBe('switch');
    expect(entityFor('nowhere', all)).toBeNull();
  });
});

describe('What is worked', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const command = { topic: 'a/set', template: null, qos: 0, retain: false } as const;

  it('waits for its answer, and says when none came in time', async () => {
    const sent: unknown[][] = [];
    const work = new Work((...args) => (sent.push(args), Promise.resolve({ ok: true, logged: null })));
    await work.tell(command, 'ON', 3);
    // By acknowledgement: a refusal is to be heard of.
    expect(sent).toEqual([['a/set', 'ON', 1, false]]);
    expect([work.phase(3), work.phase(4), work.wanted]).toEqual(['waits', 'idle', 'ON']);
    vi.advanceTimersByTime(answersWithin);
    expect([work.phase(3), work.phase(4)]).toEqual(['silent', 'idle']);
    // What never answers is not waited for: for a moment it is said that it was told.
    await work.tell(command, 'ON', null);
    expect(work.phase(0)).toBe('sent');
    vi.advanceTimersByTime(sentShownFor);
    expect(work.phase(0)).toBe('idle');
    work.reject('too much');
    expect([work.wrong, sent.length]).toEqual(['too much', 2]);
    await work.tell(command, 'ON', null);
    expect(work.wrong).toBe('');
  });

  it('says when it was refused, when nobody heard it, and when nobody knows what to send', async () => {
    const refused = new Work(() => Promise.resolve({ ok: false, code: 0x87, text: '', name: 'not_allowed', retry: null }));
    await refused.tell(command, 'ON', 0);
    expect([refused.phase(0), refused.refused?.name]).toEqual(['idle', 'not_allowed']);
    const lost = new Work(() => Promise.resolve('lost'));
    await lost.tell(command, 'ON', 0);
    expect(lost.phase(0)).toBe('lost');
    const unknown = new Work(() => Promise.reject(new Error('nothing is sent')));
    await unknown.tell({ ...command, template: '{{ value * 2 }}' }, 'ON', 0);
    expect(unknown.phase(0)).toBe('unknown');
  });

  it('is told by its template', async () => {
    const sent: unknown[] = [];
    const work = new Work((_topic, payload) => (sent.push(payload), Promise.resolve({ ok: true, logged: null })));
    await work.tell({ ...command, template: '{"brightness":{{ value }}}' }, '120', 0);
    expect(sent).toEqual(['{"brightness":120}']);
  });

  it('counts answers by topic, and each topic once', () => {
    const light = entity('light', { schema: 'json', brightness: true, stat_t: 'l', cmd_t: 'l/set' });
    say('l', '{}');
    say('l', '{}');
    expect(answersOf(light, values)).toBe(2);
  });

  it('stands under one heading for each group, also where two are called nearly the same', () => {
    const named = (group: string, name: string) => ({ ...describeValue(`${group}/${name}`, 1), group, name });
    say('x', '1');
    const described = new Map([['x', [named('pump', 'a'), named('Pump', 'b'), named('pump', 'c'), named('Pump', 'd'), named('PUMP', 'a')]]]);
    const groups = groupsOf(entitiesOf(new Map(), described));
    expect(groups.map(({ name, entities }) => [name, entities.map((one) => one.name).join('')])).toEqual([['PUMP', 'a'], ['Pump', 'bd'], ['pump', 'ac']]);
    expect(new Set(groups.map(({ key }) => key)).size).toBe(3);
  });

  it('says to where it publishes, unless that is plainly its own', () => {
    const of = (state: string | undefined, command: string) => foreignCommands(readDiscovery('homeassistant/switch/node/x/config', { stat_t: state, cmd_t: command }, '')![0]!);
    for (const [state, command] of [['bed/lamp/state', 'bed/lamp/set'], ['zigbee2mqtt/lamp', 'zigbee2mqtt/lamp/set'], ['stat/lamp/POWER', 'cmnd/lamp/POWER'], [undefined, 'node/set'], ['far/away', 'node/x/set'], ['a', 'a']] as const) {
      expect([command, of(state, command)]).toEqual([command, []]);
    }
    for (const [state, command] of [['bed/lamp/state', 'heater/set'], ['zigbee2mqtt/lamp', 'zigbee2mqtt/heater/set'], ['lamp', 'heater'], [undefined, 'heater/set'], ['stat/lamp/POWER', 'cmnd/heater/POWER'], ['', '/set']] as const) {
      expect(of(state, command)).toEqual([command]);
    }
  });
});
