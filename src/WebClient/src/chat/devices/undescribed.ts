import { isRecord } from '../../lib/http';
import type { DataTopic } from './dataTopic.svelte';
import type { Availability, Command, Entity, OnOff } from './entity';
import { isTopic } from './topicName';

const tasmota = /^tasmota\/discovery\/[^/]+\/(config|sensors)$/;
const zigbee = /^zigbee2mqtt\/(?!bridge(?:\/|$))[^/]+(?:\/[^/]+)*$/;
/** More relays has no module. */
const mostRelays = 32;
const isRelay = 1;

export function isTasmota(topic: string): boolean {
  return tasmota.test(topic);
}

/** The bridge's own topics, what is told to devices, and their availability: none of them is a value to look at. */
export function isOfBridge(topic: string): boolean {
  return /^zigbee2mqtt\/(bridge(\/|$)|.*\/(set|get|availability)(\/|$))/.test(topic);
}

/** Relays of what Tasmota says of itself (https://tasmota.github.io/docs/Home-Assistant/), on the topics that it uses by its settings. */
export function readTasmota(topic: string, value: unknown): Entity[] {
  if (tasmota.exec(topic)?.[1] !== 'config' || !isRecord(value)) return [];
  const { t, ft, tp, dn, fn, rl, ofln, onln, state } = value;
  if (typeof t !== 'string' || typeof ft !== 'string' || !Array.isArray(tp) || !Array.isArray(rl)) return [];
  const at = (prefix: number, last: string) => ft.replace('%prefix%', () => textOf(tp[prefix])).replace('%topic%', () => t) + last;
  const [off, on] = Array.isArray(state) && typeof state[0] === 'string' && typeof state[1] === 'string' ? state : ['OFF', 'ON'];
  const availability: Availability = {
    topic: at(2, 'LWT'),
    template: null,
    available: typeof onln === 'string' ? onln : 'Online',
    notAvailable: typeof ofln === 'string' ? ofln : 'Offline',
  };
  const relays = rl.slice(0, mostRelays).flatMap((kind, index) => (kind === isRelay ? [index] : []));
  return relays.map((index): Entity => {
    const power = relays.length === 1 && index === 0 ? 'POWER' : `POWER${index + 1}`;
    const states = [
      { topic: at(1, power), template: null },
      { topic: at(1, 'RESULT'), template: `{{ value_json.${power} | is_defined }}` },
      { topic: at(2, 'STATE'), template: `{{ value_json.${power} | is_defined }}` },
    ];
    const onOff: OnOff = { states, stateOn: on, stateOff: off, command: commandTo(at(0, power)), on, off };
    const name = Array.isArray(fn) && typeof fn[index] === 'string' ? fn[index] : `${t} ${index + 1}`;
    return { key: `${topic}#${index}`, name, group: typeof dn === 'string' ? dn : t, topic: at(1, power), availability: [availability], availableBy: 'latest', kind: 'switch', onOff };
  });
}

/** What says what it is by its value alone: an object member by member, a state of Zigbee2MQTT that can be worked, anything else as it is. */
export function describe(topic: string, value: unknown): Entity {
  const cut = topic.lastIndexOf('/');
  const shared = { key: topic, name: topic.slice(cut + 1) || topic, group: cut > 0 ? topic.slice(0, cut) : '', topic, availability: [], availableBy: 'latest' as const };
  if (!isRecord(value)) return { ...shared, kind: 'sensor', states: [{ topic, template: null }], unit: '', precision: null };
  if (!zigbee.test(topic) || !isOnOff(value)) return { ...shared, kind: 'object', state: { topic, template: null } };
  const command = commandTo(`${topic}/set`);
  const availability: Availability[] = [{ topic: `${topic}/availability`, template: '{{ value_json.state }}', available: 'online', notAvailable: 'offline' }];
  const onOff: OnOff = { states: [{ topic, template: '{{ value_json.state | is_defined }}' }], stateOn: 'ON', stateOff: 'OFF', command, on: '{"state":"ON"}', off: '{"state":"OFF"}' };
  const rest = { state: { topic, template: null }, but: ['state', 'brightness'] };
  if (!command || typeof value['brightness'] !== 'number') return { ...shared, availability, rest, kind: 'switch', onOff };
  const dim = { ...command, template: '{"state":"ON","brightness":{{ value }}}' };
  return { ...shared, availability, rest, kind: 'light', onOff, brightness: { state: { topic, template: '{{ value_json.brightness | is_defined }}' }, command: dim, scale: 254 } };
}

/** What decides which kind of tile `describe` gives: as long as it answers the same, the tile is the same. */
export function formOf(one: DataTopic): string {
  if (one.form !== 'object') return one.form;
  const value = one.json;
  if (!isRecord(value)) return 'value';
  return zigbee.test(one.topic) && isOnOff(value) ? `works ${typeof value['brightness'] === 'number'}` : 'object';
}

function isOnOff(value: Record<string, unknown>): boolean {
  return value['state'] === 'ON' || value['state'] === 'OFF';
}

/** Null: nothing may be published there. */
function commandTo(topic: string): Command | null {
  return isTopic(topic) ? { topic, template: null, qos: 1, retain: false } : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
