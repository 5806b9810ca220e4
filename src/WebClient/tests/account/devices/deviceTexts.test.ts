import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { programs, programsFor, textFor, type Device } from '../../../src/account/devices/deviceTexts';
import { tasmotaWord, yamlText } from '../../../src/account/devices/quoting';
import { shellWord } from '../../../src/account/shellWord';

const greenhouse: Device = {
  name: 'Greenhouse',
  branch: 'greenhouse',
  preset: 'all',
  user: 'ana',
  token: 'wm_abc-1_2',
  way: { kind: 'clear', host: 'chat.lan', port: 1883, local: false },
};
const tls: Device = { ...greenhouse, way: { kind: 'tls', host: 'mqtt.example.org', port: 8883, local: false } };
/** What people call things, and what somebody would to harm whoever pastes it. */
const hostile = [`it's`, `'; rm -rf ~; '`, '$(touch /tmp/x)', '`id`', 'a"b', 'back\\slash', '-n', '${x}', '!secret x', '*x', '&a', '{a: b}', '# no', ': ', 'no', '~', '1e3', 'größe 湿度 🌱', 'a\u0085b', 'a\u2028b', 'tab\tbed', 'x\ny: z', '%x%'];

describe('The texts for a device', () => {
  it('are lines that a shell takes', () => {
    expect(textFor('mosquitto', { ...greenhouse, preset: 'sensor' })).toBe(
      'mosquitto_pub -h chat.lan -p 1883 -u ana -P wm_abc-1_2 -q 1 -r -t greenhouse/temperature -m 21.5\nmosquitto_sub -h chat.lan -p 1883 -u ana -P wm_abc-1_2 -v -t \'greenhouse/#\'',
    );
    expect(textFor('mosquitto', tls)).toContain(`mosquitto_sub -h mqtt.example.org -p 8883 --tls-use-os-certs -u ana -P wm_abc-1_2 -v -t '#'`);
    expect(textFor('mosquitto', { ...greenhouse, preset: 'reads' })).toMatch(/^mosquitto_sub [^\n]*$/);
  });

  it('are the YAML of ESPHome, with the place for a certificate where it is needed', () => {
    expect(textFor('esphome', greenhouse)).toBe(
      'mqtt:\n  broker: "chat.lan"\n  port: 1883\n  username: "ana"\n  password: "wm_abc-1_2"\n  topic_prefix: "greenhouse"\n  discover_ip: false',
    );
    expect(textFor('esphome', tls)).toContain('  port: 8883\n');
    expect(textFor('esphome', tls)).toContain('\n  certificate_authority: |\n    -----BEGIN CERTIFICATE-----\n');
  });

  it('are the YAML of Zigbee2MQTT, with the brackets of a URL for IPv6', () => {
    expect(textFor('zigbee2mqtt', tls)).toContain('  server: "mqtts://mqtt.example.org:8883"\n');
    expect(textFor('zigbee2mqtt', { ...greenhouse, way: { ...greenhouse.way, host: 'fd00::5' } })).toContain('  server: "mqtt://[fd00::5]:1883"\n');
  });

  it('are the YAML of Home Assistant for one value', () => {
    expect(textFor('homeassistant', { ...greenhouse, branch: 'beds/a' })).toBe(
      'mqtt:\n  sensor:\n    - name: "Greenhouse"\n      unique_id: "beds_a_temperature"\n      state_topic: "beds/a/temperature"',
    );
  });

  it('are one line for the console of Tasmota, which keeps a sensor in its branch', () => {
    expect(textFor('tasmota', { ...tls, preset: 'sensor', branch: 'beds/a' })).toBe(
      'Backlog MqttHost mqtt.example.org; MqttPort 8883; MqttUser ana; MqttPassword wm_abc-1_2; SetOption103 1; Topic a; FullTopic beds/%topic%/%prefix%/; SetOption19 1',
    );
    expect(textFor('tasmota', greenhouse)).toContain('SetOption103 0; Topic greenhouse; FullTopic %topic%/%prefix%/');
    expect(textFor('tasmota', greenhouse)).not.toContain('SetOption19');
  });

  it('are for programs that do with what the token may', () => {
    expect(programsFor('all')).toEqual(programs);
    expect(programsFor('sensor')).not.toContain('zigbee2mqtt');
    expect(programsFor('reads')).not.toContain('esphome');
  });

  it.each(hostile)('are one word to a shell, whatever it is called: %j', (text) => {
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
    const device = { ...greenhouse, branch: text, user: text, token: text, way: { ...greenhouse.way, host: text } };
    const words = execFileSync('/bin/sh', ['-c', `mosquitto_sub() { printf '%s\\0' "$@"; }; ${textFor('mosquitto', { ...device, preset: 'reads' })}`], { encoding: 'utf8' }).split('\0');
    expect(words).toEqual(['-h', text, '-p', '1883', '-u', text, '-P', text, '-v', '-t', '#', '']);
  });

  it.each(hostile)('are one text to YAML, whatever it is called: %j', (text) => {
    const quoted = yamlText(text);
    expect(JSON.parse(quoted)).toBe(text);
    // YAML 1.1 takes NEL, LS and PS for line breaks, and no control character but these.
    expect(quoted).toMatch(/^"[^\p{Cc}\u2028\u2029\ufeff]*"$/u);
    for (const program of ['homeassistant', 'esphome', 'zigbee2mqtt'] as const) {
      const lines = textFor(program, { ...greenhouse, name: text, branch: text, user: text, token: text, way: { ...greenhouse.way, host: text } }).split('\n');
      expect(lines).toHaveLength(textFor(program, greenhouse).split('\n').length);
      for (const line of lines) expect(line).toMatch(/^ *(- )?[a-z0-9_]+:( ("(?:[^"\\]|\\.)*"|\d+|true|false))?$/);
    }
  });

  it.each(hostile)('are one command to Tasmota, whatever it is called: %j', (text) => {
    expect(tasmotaWord(text)).not.toMatch(/[\s;"'\\]/);
    const device = { ...greenhouse, branch: text, user: text, token: text, way: { ...greenhouse.way, host: text } };
    expect(textFor('tasmota', device).split('; ')).toHaveLength(7);
    expect(textFor('tasmota', device)).not.toContain('\n');
  });
});
