/**
 * What may stand for a field in Home Assistant's discovery, as far as this page reads the field
 * (https://www.home-assistant.io/integrations/mqtt/#discovery-messages).
 */
const long: Record<string, string> = {
  avty: 'availability',
  avty_mode: 'availability_mode',
  avty_t: 'availability_topic',
  avty_tpl: 'availability_template',
  bri_cmd_t: 'brightness_command_topic',
  bri_cmd_tpl: 'brightness_command_template',
  bri_scl: 'brightness_scale',
  bri_stat_t: 'brightness_state_topic',
  bri_val_tpl: 'brightness_value_template',
  cmd_t: 'command_topic',
  cmd_tpl: 'command_template',
  cmps: 'components',
  curr_temp_t: 'current_temperature_topic',
  curr_temp_tpl: 'current_temperature_template',
  dev: 'device',
  dev_cla: 'device_class',
  max_temp: 'max_temp',
  min_temp: 'min_temp',
  mode_cmd_t: 'mode_command_topic',
  mode_cmd_tpl: 'mode_command_template',
  mode_stat_t: 'mode_state_topic',
  mode_stat_tpl: 'mode_state_template',
  ops: 'options',
  p: 'platform',
  pl_avail: 'payload_available',
  pl_cls: 'payload_close',
  pl_not_avail: 'payload_not_available',
  pl_off: 'payload_off',
  pl_on: 'payload_on',
  pl_open: 'payload_open',
  pl_prs: 'payload_press',
  pl_stop: 'payload_stop',
  pos_clsd: 'position_closed',
  pos_open: 'position_open',
  pos_t: 'position_topic',
  pos_tpl: 'position_template',
  ret: 'retain',
  stat_clsd: 'state_closed',
  stat_closing: 'state_closing',
  stat_off: 'state_off',
  stat_on: 'state_on',
  stat_open: 'state_open',
  stat_opening: 'state_opening',
  stat_t: 'state_topic',
  stat_val_tpl: 'state_value_template',
  sug_dsp_prc: 'suggested_display_precision',
  t: 'topic',
  temp_cmd_t: 'temperature_command_topic',
  temp_cmd_tpl: 'temperature_command_template',
  temp_stat_t: 'temperature_state_topic',
  temp_stat_tpl: 'temperature_state_template',
  temp_unit: 'temperature_unit',
  unit_of_meas: 'unit_of_measurement',
  val_tpl: 'value_template',
};

const ofDevice: Record<string, string> = { ids: 'identifiers', mdl: 'model', mf: 'manufacturer' };

/** With the fields' own names. `base`: what `~` stands for at the beginning or end of a topic. */
export function unabbreviated(config: Record<string, unknown>, base = ''): Record<string, unknown> {
  const own = typeof config['~'] === 'string' ? config['~'] : base;
  const entries = Object.entries(config).filter(([key]) => key !== '~');
  return Object.fromEntries(entries.map(([key, value]) => [nameOf(long, key), expanded(nameOf(long, key), value, own)]));
}

/** One of several topics that say whether it is there. None lies within another. */
function unabbreviatedTopic(one: Record<string, unknown>, base: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(one).map(([key, value]) => {
      const name = nameOf(long, key);
      return [name, name === 'topic' && typeof value === 'string' ? inFull(value, base) : value];
    }),
  );
}

function nameOf(names: Record<string, string>, key: string): string {
  return Object.hasOwn(names, key) ? names[key]! : key;
}

function expanded(key: string, value: unknown, base: string): unknown {
  if (typeof value === 'string') return key === 'topic' || key.endsWith('_topic') ? inFull(value, base) : value;
  if (key === 'availability' && Array.isArray(value)) return value.map((one) => (isObject(one) ? unabbreviatedTopic(one, base) : one));
  if (key === 'device' && isObject(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [nameOf(ofDevice, name), inner]));
  return value;
}

function inFull(topic: string, base: string): string {
  if (base === '') return topic;
  if (topic.startsWith('~')) return base + topic.slice(1);
  return topic.endsWith('~') ? topic.slice(0, -1) + base : topic;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
