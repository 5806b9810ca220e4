import { shellWord } from '../shellWord';
import type { Preset } from './presets';
import { tasmotaWord, yamlText } from './quoting';
import type { Way } from './ways';

/** What a device needs to know. */
export interface Device {
  /** What people call it. */
  name: string;
  /** Its branch of topics, without a slash at its end. */
  branch: string;
  preset: Preset;
  user: string;
  token: string;
  way: Way;
}

export const programs = ['mosquitto', 'homeassistant', 'esphome', 'zigbee2mqtt', 'tasmota'] as const;
export type Program = (typeof programs)[number];
export const programNames: Record<Program, string> = {
  mosquitto: 'mosquitto',
  homeassistant: 'Home Assistant',
  esphome: 'ESPHome',
  zigbee2mqtt: 'Zigbee2MQTT',
  tasmota: 'Tasmota',
};

/** Those that do with what the preset allows: two want every topic, and what only reads is no device. */
export function programsFor(preset: Preset): readonly Program[] {
  return { sensor: ['mosquitto', 'esphome', 'tasmota'] as const, all: programs, reads: ['mosquitto', 'homeassistant'] as const }[preset];
}

/** To be pasted where the program wants it. */
export function textFor(program: Program, device: Device): string {
  return makers[program](device);
}

const makers: Record<Program, (device: Device) => string> = { mosquitto, homeassistant, esphome, zigbee2mqtt, tasmota };

function mosquitto({ token, ...device }: Device): string {
  return shell(device, `-P ${shellWord(token)}`);
}

/** Makes a key and a certificate for it, which nobody has to sign. */
export const keyText =
  'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=device -keyout device.key -out device.pem';

/** The lines of {@link textFor} for a shell, with these in place of the token. */
export function certificateText(device: Omit<Device, 'name' | 'token'>): string {
  return shell(device, '--cert device.pem --key device.key');
}

function shell({ branch, preset, user, way }: Omit<Device, 'name' | 'token'>, credentials: string): string {
  const tls = way.kind === 'tls' ? ' --tls-use-os-certs' : '';
  const access = `-h ${shellWord(way.host)} -p ${way.port}${tls} -u ${shellWord(user)} ${credentials}`;
  const say = `mosquitto_pub ${access} -q 1 -r -t ${shellWord(`${branch}/temperature`)} -m 21.5`;
  const listen = `mosquitto_sub ${access} -v -t ${shellWord(preset === 'sensor' ? `${branch}/#` : '#')}`;
  return preset === 'reads' ? listen : `${say}\n${listen}`;
}

/** The broker itself is typed into a form there; this is how one value is shown that nothing describes. */
function homeassistant({ name, branch }: Device): string {
  return yaml(['mqtt:', '  sensor:', `    - name: ${yamlText(name)}`, `      unique_id: ${yamlText(`${branch.replaceAll('/', '_')}_temperature`)}`, `      state_topic: ${yamlText(`${branch}/temperature`)}`]);
}

function esphome({ branch, user, token, way }: Device): string {
  return yaml([
    'mqtt:',
    `  broker: ${yamlText(way.host)}`,
    `  port: ${way.port}`,
    `  username: ${yamlText(user)}`,
    `  password: ${yamlText(token)}`,
    `  topic_prefix: ${yamlText(branch)}`,
    // It would be said outside of its branch.
    '  discover_ip: false',
    ...(way.kind === 'tls' ? ['  certificate_authority: |', '    -----BEGIN CERTIFICATE-----', '    …', '    -----END CERTIFICATE-----'] : []),
  ]);
}

function zigbee2mqtt({ user, token, way }: Device): string {
  const host = way.host.includes(':') ? `[${way.host}]` : way.host;
  return yaml([
    'mqtt:',
    `  server: ${yamlText(`${way.kind === 'tls' ? 'mqtts' : 'mqtt'}://${host}:${way.port}`)}`,
    `  base_topic: ${yamlText('zigbee2mqtt')}`,
    `  user: ${yamlText(user)}`,
    `  password: ${yamlText(token)}`,
    'homeassistant:',
    '  enabled: true',
  ]);
}

/** One line: the console takes one at a time. */
function tasmota({ branch, preset, user, token, way }: Device): string {
  const at = branch.lastIndexOf('/') + 1;
  const commands = [
    ['MqttHost', way.host],
    ['MqttPort', String(way.port)],
    ['MqttUser', user],
    ['MqttPassword', token],
    // Whether it is TLS; the name is Tasmota's.
    ['SetOption103', way.kind === 'tls' ? '1' : '0'],
    ['Topic', branch.slice(at)],
    ['FullTopic', `${branch.slice(0, at)}%topic%/%prefix%/`],
    // Its own kind of discovery lies outside of its branch.
    ...(preset === 'sensor' ? [['SetOption19', '1']] : []),
  ];
  return `Backlog ${commands.map(([command, value]) => `${command} ${tasmotaWord(value!)}`).join('; ')}`;
}

function yaml(lines: string[]): string {
  return lines.join('\n');
}
