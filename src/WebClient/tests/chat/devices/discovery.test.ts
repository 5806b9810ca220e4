import { describe, expect, it } from 'vitest';
import { readDiscovery } from '../../../src/chat/devices/discovery';
import { describe as describeValue, readTasmota } from '../../../src/chat/devices/undescribed';

const inside = 'rooms/garden/data/';
const read = (component: string, config: unknown) => readDiscovery(`homeassistant/${component}/node/object/config`, config, inside);
const one = (component: string, config: unknown) => read(component, config)![0]!;

// As the documentation of Home Assistant, ESPHome and Zigbee2MQTT has them, shortened.
describe('What describes', () => {
  it('a sensor, by whole names and by short ones', () => {
    const long = { name: 'Temperature', state_topic: 'office/state', unit_of_measurement: '°C', value_template: '{{ value_json.t }}', device: { name: 'Office' } };
    const short = { name: 'Temperature', '~': 'office', stat_t: '~/state', unit_of_meas: '°C', val_tpl: '{{ value_json.t }}', dev: { name: 'Office' } };
    expect(one('sensor', short)).toEqual(one('sensor', long));
    expect(one('sensor', long)).toMatchObject({ kind: 'sensor', name: 'Temperature', group: 'Office', unit: '°C', topic: 'office/state', states: [{ topic: 'office/state', template: '{{ value_json.t }}' }] });
  });

  it('a switch, where it is told and whether it is there', () => {
    const esphome = { name: 'Relay', stat_t: 'relay/state', cmd_t: 'relay/command', avty_t: 'relay/status', ret: true, qos: 1, pl_on: '1', pl_off: '0' };
    expect(one('switch', esphome)).toMatchObject({
      kind: 'switch',
      onOff: { states: [{ topic: 'relay/state', template: null }], on: '1', off: '0', stateOn: '1', stateOff: '0', command: { topic: 'relay/command', qos: 1, retain: true } },
      availability: [{ topic: 'relay/status', available: 'online', notAvailable: 'offline' }],
    });
    const several = { cmd_t: 'a/set', avty: [{ t: 'bridge/state', val_tpl: '{{ value_json.state }}' }, { topic: 'a/up', pl_not_avail: 'gone' }], avty_mode: 'all' };
    expect(one('switch', several)).toMatchObject({ availableBy: 'all', availability: [{ topic: 'bridge/state', template: '{{ value_json.state }}' }, { topic: 'a/up', notAvailable: 'gone' }] });
  });

  it('lights of both schemas that are workable', () => {
    const json = { schema: 'json', brightness: true, brightness_scale: 254, state_topic: 'zigbee2mqtt/lamp', command_topic: 'zigbee2mqtt/lamp/set' };
    expect(one('light', json)).toMatchObject({ kind: 'light', onOff: { on: '{"state":"ON"}', stateOn: 'ON' }, brightness: { scale: 254, command: { topic: 'zigbee2mqtt/lamp/set' } } });
    const plain = { stat_t: 'l/state', stat_val_tpl: '{{ value_json.on }}', cmd_t: 'l/set', bri_cmd_t: 'l/bri/set', bri_stat_t: 'l/bri' };
    expect(one('light', plain)).toMatchObject({ onOff: { states: [{ template: '{{ value_json.on }}' }] }, brightness: { scale: 255, state: { topic: 'l/bri' }, command: { topic: 'l/bri/set' } } });
    expect(one('light', { schema: 'template', state_topic: 'l', command_topic: 'l/set' }).kind).toBe('sensor');
  });

  it('what is pressed, chosen, turned, moved and warmed', () => {
    expect(one('button', { cmd_t: 'b', pl_prs: 'GO' })).toMatchObject({ kind: 'button', press: 'GO' });
    expect(one('number', { cmd_t: 'n/set', stat_t: 'n', min: 0, max: 60, step: 5 })).toMatchObject({ kind: 'number', min: 0, max: 60, step: 5 });
    expect(one('select', { cmd_t: 's/set', ops: ['a', 'b', 3] })).toMatchObject({ kind: 'select', options: ['a', 'b'], state: null });
    expect(one('cover', { cmd_t: 'c/set', pos_t: 'c/pos', payload_stop: null })).toMatchObject({ kind: 'cover', words: { stop: null, open: 'OPEN' }, position: { topic: 'c/pos' } });
    expect(one('climate', { curr_temp_t: 'h/now', temp_cmd_t: 'h/set', temp_stat_t: 'h/want', modes: ['off', 'heat'], mode_cmd_t: 'h/mode/set' })).toMatchObject({
      kind: 'climate', current: { topic: 'h/now' }, set: { topic: 'h/set' }, target: { topic: 'h/want' }, setMode: { topic: 'h/mode/set' }, min: 7, max: 35,
    });
  });

  it('all of a device at once', () => {
    const device = { dev: { ids: 'x', name: 'Box' }, '~': 'box', avty_t: '~/up', cmps: { t: { p: 'sensor', stat_t: '~/t' }, r: { p: 'switch', cmd_t: '~/r/set' }, bad: 7 } };
    const found = readDiscovery('homeassistant/device/box/config', device, inside)!;
    expect(found.map(({ kind, group, topic }) => [kind, group, topic])).toEqual([['sensor', 'Box', 'box/t'], ['switch', 'Box', '']]);
    expect(found[0]!.availability).toMatchObject([{ topic: 'box/up' }]);
  });

  it('a kind that this page does not know as what it says', () => {
    expect(one('lawn_mower', { activity_state_topic: 'x', state_topic: 'mower' })).toMatchObject({ kind: 'sensor', states: [{ topic: 'mower' }] });
    expect(read('constructor', { state_topic: 'x' })).toMatchObject([{ kind: 'sensor' }]);
    expect(read('camera', { topic: 'c' })).toBeNull();
  });

  it('for who is not behind a mount, too', () => {
    expect(one('sensor', { state_topic: `${inside}bed/temp` })).toMatchObject({ topic: 'bed/temp' });
  });

  it('no topic that may not be published to', () => {
    for (const topic of ['a/+', '#', 'a\u0000', 'ä'.repeat(257), 'a/'.repeat(40)]) {
      expect(one('switch', { state_topic: 'a', command_topic: topic })).toMatchObject({ kind: 'sensor' });
      expect(read('button', { command_topic: topic })).toBeNull();
      expect(one('climate', { current_temperature_topic: 'a', temperature_command_topic: topic })).toMatchObject({ kind: 'climate', set: null });
    }
  });

  it('no choice twice', () => {
    expect(one('select', { cmd_t: 's/set', ops: ['a', 'b', 'a'] })).toMatchObject({ options: ['a', 'b'] });
    expect(one('climate', { curr_temp_t: 'h', modes: ['off', 'off'] })).toMatchObject({ modes: ['off'] });
  });

  it('availability a level deep, and no deeper', () => {
    let deep = '{}';
    for (let level = 0; level < 5_000; level++) deep = `{"avty":[${deep}]}`;
    expect(one('sensor', { stat_t: 'a', avty: [{ t: 'up' }, JSON.parse(deep)] })).toMatchObject({ availability: [{ topic: 'up' }] });
  });

  it('how the brightness of a light is told, by its short name too', () => {
    expect(one('light', { cmd_t: 'l/set', bri_cmd_t: 'l/bri', bri_cmd_tpl: '{"b":{{ value }}}' })).toMatchObject({ brightness: { command: { template: '{"b":{{ value }}}' } } });
  });

  it('nothing, if it is nothing of the kind', () => {
    for (const config of [undefined, null, 7, 'text', [], {}, { state_topic: null }, { stat_t: {} }, { device: 'x', name: [] }]) expect(read('sensor', config)).toBeNull();
    expect(readDiscovery('homeassistant/sensor/config', { state_topic: 'x' }, inside)).toBeNull();
    expect(readDiscovery('bed/temp', { state_topic: 'x' }, inside)).toBeNull();
  });
});

describe('Without a description', () => {
  const tasmota = { t: 'plug', ft: '%topic%/%prefix%/', tp: ['cmnd', 'stat', 'tele'], dn: 'Plug', fn: ['Kettle', null], rl: [1, 0, 2], ofln: 'Offline', onln: 'Online', state: ['OFF', 'ON', 'TOGGLE'] };

  it('relays are what Tasmota says of itself', () => {
    expect(readTasmota('tasmota/discovery/AABB/config', tasmota)).toMatchObject([
      { kind: 'switch', name: 'Kettle', group: 'Plug', onOff: { command: { topic: 'plug/cmnd/POWER' }, states: [{ topic: 'plug/stat/POWER' }, { topic: 'plug/stat/RESULT' }, { topic: 'plug/tele/STATE' }] }, availability: [{ topic: 'plug/tele/LWT', notAvailable: 'Offline' }] },
    ]);
    expect(readTasmota('tasmota/discovery/AABB/config', { ...tasmota, rl: [1, 1] }).map(({ topic }) => topic)).toEqual(['plug/stat/POWER1', 'plug/stat/POWER2']);
    expect(readTasmota('tasmota/discovery/AABB/sensors', tasmota)).toEqual([]);
    expect(readTasmota('tasmota/discovery/AABB/config', { ...tasmota, t: '#' })).toMatchObject([{ onOff: { command: null } }]);
    for (const wrong of [null, {}, { ...tasmota, tp: 1 }, { ...tasmota, ft: null }]) expect(readTasmota('tasmota/discovery/AABB/config', wrong)).toEqual([]);
  });

  it('a state of Zigbee2MQTT can be worked, other objects are read, and all else is a value', () => {
    expect(describeValue('zigbee2mqtt/desk', { state: 'OFF' })).toMatchObject({ kind: 'switch', name: 'desk', onOff: { command: { topic: 'zigbee2mqtt/desk/set' } } });
    expect(describeValue('zigbee2mqtt/desk', { state: 'ON', brightness: 3 })).toMatchObject({ kind: 'light' });
    expect(describeValue('zigbee2mqtt/sensor', { temperature: 21 })).toMatchObject({ kind: 'object' });
    expect(describeValue(`zigbee2mqtt/${'x'.repeat(500)}`, { state: 'ON', brightness: 3 })).toMatchObject({ kind: 'switch', onOff: { command: null } });
    expect(describeValue('elsewhere/desk', { state: 'OFF' })).toMatchObject({ kind: 'object' });
    expect(describeValue('bed/temp', 21.5)).toMatchObject({ kind: 'sensor', name: 'temp', group: 'bed' });
    expect(describeValue('/', undefined)).toMatchObject({ name: '/', group: '' });
  });
});
