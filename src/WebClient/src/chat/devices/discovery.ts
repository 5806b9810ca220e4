import { isRecord } from '../../lib/http';
import { unabbreviated } from './abbreviations';
import type { Availability, Brightness, Command, Entity, OnOff, Source } from './entity';
import { isTopic } from './topicName';

type Config = Record<string, unknown>;
type Described = Pick<Entity, 'key' | 'name' | 'group' | 'topic' | 'availability' | 'availableBy'>;

/** Of a device that describes all its parts at once. */
const mostComponents = 50;
const longestName = 80;
/** Characters. A tile shows fewer, and the rest where it is pointed at. */
const longestUnit = 80;

/** `homeassistant/{component}/{object}/config`, or with a node before the object. */
const shape = /^homeassistant\/([a-z_]+)\/(?:[^/]+\/){1,2}config$/;

export function isDiscovery(topic: string): boolean {
  return shape.test(topic);
}

/**
 * What a retained `…/config` of Home Assistant's discovery describes: one thing, or all of a device
 * (https://www.home-assistant.io/integrations/mqtt/#discovery-messages). Null: it is no such description.
 *
 * @param inside How topics of the room's data may begin for who is not behind a mount: it is taken off.
 */
export function readDiscovery(topic: string, value: unknown, inside: string): Entity[] | null {
  const component = shape.exec(topic)?.[1];
  if (component === undefined || !isRecord(value)) return null;
  const config = unabbreviated(value);
  if (component !== 'device') return readOne(topic, component, config, inside);
  if (!isRecord(config['components'])) return null;
  const { components, ...shared } = config;
  const base = typeof value['~'] === 'string' ? value['~'] : '';
  return Object.entries(components as Config)
    .slice(0, mostComponents)
    .flatMap(([id, one]) => {
      if (!isRecord(one)) return [];
      const own = unabbreviated(one, base);
      const platform = textOf(own, 'platform');
      return platform === '' ? [] : (readOne(`${topic}#${id}`, platform, { ...shared, ...own }, inside) ?? []);
    });
}

function readOne(key: string, component: string, config: Config, inside: string): Entity[] | null {
  const read = new Reader(config, inside);
  const described = read.described(key);
  const entity = Object.hasOwn(readers, component) ? readers[component]!(read, described) : null;
  const shown = entity ?? read.sensor(described);
  return shown === null ? null : [shown];
}

const readers: Record<string, (read: Reader, described: Described) => Entity | null> = {
  sensor: (read, described) => read.sensor(described),
  binary_sensor: (read, described) => {
    const state = read.source('state');
    return state && { ...described, topic: state.topic, kind: 'binary', means: read.text('device_class'), onOff: read.onOff([state], null) };
  },
  switch: (read, described) => read.switch(described),
  fan: (read, described) => read.switch(described),
  siren: (read, described) => read.switch(described),
  light: (read, described) => read.light(described),
  button: (read, described) => {
    const command = read.command('command');
    return command && { ...described, topic: command.topic, kind: 'button', command, press: read.text('payload_press', 'PRESS') };
  },
  number: (read, described) => {
    const command = read.command('command');
    const range = { min: read.number('min', 1), max: read.number('max', 100), step: read.number('step', 1) };
    return command && { ...described, kind: 'number', state: read.source('state'), command, ...range, unit: read.unit() };
  },
  select: (read, described) => {
    const command = read.command('command');
    return command && { ...described, kind: 'select', state: read.source('state'), command, options: read.texts('options') };
  },
  text: (read, described) => {
    const command = read.command('command');
    return command && { ...described, kind: 'text', state: read.source('state'), command, longest: read.number('max', 255) };
  },
  cover: (read, described) => read.cover(described),
  climate: (read, described) => read.climate(described),
};

/** Reads the fields of one description. What is missing, or of another kind than it should be, has the default of Home Assistant's documentation. */
class Reader {
  readonly #config: Config;
  readonly #inside: string;

  constructor(config: Config, inside: string) {
    this.#config = config;
    this.#inside = inside;
  }

  described(key: string): Described {
    const device = isRecord(this.#config['device']) ? this.#config['device'] : {};
    const group = textOf(device, 'name').slice(0, longestName);
    const by = this.text('availability_mode');
    return {
      key,
      // A thing without a name is the device itself.
      name: this.text('name').slice(0, longestName) || group || key.replace(/^homeassistant\/|\/config$/g, '').split('/').at(-1)!,
      group,
      topic: this.#topic('state_topic'),
      availability: this.#availability(),
      availableBy: by === 'all' || by === 'any' ? by : 'latest',
    };
  }

  sensor(described: Described): Entity | null {
    const state = this.source('state');
    const digits = this.#config['suggested_display_precision'];
    const precision = typeof digits === 'number' && digits >= 0 && digits <= 10 ? Math.trunc(digits) : null;
    return state && { ...described, kind: 'sensor', states: [state], unit: this.unit(), precision };
  }

  switch(described: Described): Entity | null {
    const [state, command] = [this.source('state', 'state_value_template'), this.command('command')];
    return command && { ...described, kind: 'switch', onOff: this.onOff(state ? [state] : [], command) };
  }

  light(described: Described): Entity | null {
    const command = this.command('command');
    // Templates of a light's own kind say what to send in ways that this page does not know.
    if (!command || this.text('schema') === 'template') return null;
    const scale = this.number('brightness_scale', 255);
    if (this.text('schema') === 'json') {
      const topic = this.#topic('state_topic');
      const said = (field: string): Source | null => (topic === '' ? null : { topic, template: `{{ value_json.${field} | is_defined }}` });
      const state = said('state');
      const onOff: OnOff = { states: state ? [state] : [], stateOn: 'ON', stateOff: 'OFF', command, on: '{"state":"ON"}', off: '{"state":"OFF"}' };
      const dims = this.#config['brightness'] === true;
      const brightness: Brightness | null = dims ? { state: said('brightness'), command: { ...command, template: '{"state":"ON","brightness":{{ value }}}' }, scale } : null;
      return { ...described, kind: 'light', onOff, brightness };
    }
    const [state, dim] = [this.source('state', 'state_value_template'), this.command('brightness')];
    const brightness = dim && { state: this.#source('brightness_state_topic', 'brightness_value_template'), command: dim, scale };
    return { ...described, kind: 'light', onOff: this.onOff(state ? [state] : [], command), brightness };
  }

  cover(described: Described): Entity | null {
    const [state, command] = [this.source('state'), this.command('command')];
    const position = this.#source('position_topic', 'position_template');
    if (!state && !command && !position) return null;
    const words = {
      open: this.text('payload_open', 'OPEN'),
      close: this.text('payload_close', 'CLOSE'),
      stop: this.#config['payload_stop'] === null ? null : this.text('payload_stop', 'STOP'),
      isOpen: this.text('state_open', 'open'),
      isClosed: this.text('state_closed', 'closed'),
      isOpening: this.text('state_opening', 'opening'),
      isClosing: this.text('state_closing', 'closing'),
      closedAt: this.number('position_closed', 0),
      openAt: this.number('position_open', 100),
    };
    return { ...described, topic: state?.topic ?? position?.topic ?? command!.topic, kind: 'cover', state, position, words, command };
  }

  climate(described: Described): Entity | null {
    const current = this.#source('current_temperature_topic', 'current_temperature_template');
    const target = this.#source('temperature_state_topic', 'temperature_state_template');
    const mode = this.#source('mode_state_topic', 'mode_state_template');
    const [set, setMode] = [this.command('temperature'), this.command('mode')];
    const topic = current?.topic ?? target?.topic ?? mode?.topic;
    if (topic === undefined && !set && !setMode) return null;
    const range = { min: this.number('min_temp', 7), max: this.number('max_temp', 35), step: this.number('temp_step', 0.5) };
    const unit = this.text('temperature_unit', 'C') === 'F' ? '°F' : '°C';
    return { ...described, topic: topic ?? '', kind: 'climate', current, target, set, mode, setMode, modes: this.texts('modes'), ...range, unit };
  }

  onOff(states: readonly Source[], command: Command | null): OnOff {
    const [on, off] = [this.text('payload_on', 'ON'), this.text('payload_off', 'OFF')];
    return { states, command, on, off, stateOn: this.text('state_on', on), stateOff: this.text('state_off', off) };
  }

  source(name: string, otherTemplate = ''): Source | null {
    return this.#source(`${name}_topic`, this.text('value_template') === '' && otherTemplate !== '' ? otherTemplate : 'value_template');
  }

  command(name: string): Command | null {
    const topic = this.#topic(`${name}_command_topic`) || (name === 'command' ? this.#topic('command_topic') : '');
    if (!isTopic(topic)) return null;
    const qos = this.#config['qos'];
    return { topic, template: this.text(name === 'command' ? 'command_template' : `${name}_command_template`) || null, qos: qos === 1 || qos === 2 ? qos : 0, retain: this.#config['retain'] === true };
  }

  unit(): string {
    return this.text('unit_of_measurement').slice(0, longestUnit);
  }

  text(field: string, otherwise = ''): string {
    return textOf(this.#config, field) || otherwise;
  }

  texts(field: string): string[] {
    const found = this.#config[field];
    return Array.isArray(found) ? [...new Set(found.slice(0, 100).filter((one) => typeof one === 'string'))] : [];
  }

  number(field: string, otherwise: number): number {
    const found = this.#config[field];
    return typeof found === 'number' && Number.isFinite(found) ? found : otherwise;
  }

  #source(topicField: string, templateField: string): Source | null {
    const topic = this.#topic(topicField);
    return topic === '' ? null : { topic, template: this.text(templateField) || null };
  }

  #topic(field: string): string {
    return relative(this.text(field), this.#inside);
  }

  #availability(): Availability[] {
    const one = (config: Config, topicField: string, templateField: string): Availability[] => {
      const topic = relative(textOf(config, topicField), this.#inside);
      const [available, notAvailable] = [textOf(config, 'payload_available') || 'online', textOf(config, 'payload_not_available') || 'offline'];
      return topic === '' ? [] : [{ topic, template: textOf(config, templateField) || null, available, notAvailable }];
    };
    const list = this.#config['availability'];
    const several = Array.isArray(list) ? list.filter(isRecord).slice(0, 10) : [];
    return several.length > 0 ? several.flatMap((config) => one(config, 'topic', 'value_template')) : one(this.#config, 'availability_topic', 'availability_template');
  }
}

function relative(topic: string, inside: string): string {
  return topic.startsWith(inside) ? topic.slice(inside.length) : topic;
}

/** What stands there as text; numbers and truth as they are written. */
function textOf(config: Config, field: string): string {
  const found = Object.hasOwn(config, field) ? config[field] : undefined;
  if (typeof found === 'string') return found;
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
}
