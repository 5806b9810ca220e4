import { describe, expect, it } from 'vitest';
import { shellLines, type ServerPorts } from '../../src/account/shellLines';

const none: ServerPorts = { mqtt: null, mqtts: null, websocket: '/mqtt' };
const open = (port: number, host: string | null = null) => ({ host, port, local: false });
const closed = (port: number) => ({ host: null, port, local: true });
const at = (address: string) => new URL(address);
const lines = (server: ServerPorts, address: string, path = '/mqtt') => shellLines(server, at(address), path, 'ana', 'wm_abc', 'rooms/lobby', "it's me");

describe('P20: the lines for a shell', () => {
  it('are taken by a shell as they are', () => {
    expect(lines({ ...none, mqtt: closed(1883) }, 'http://localhost:8080/')).toEqual({
      way: 'local',
      listen: 'mosquitto_sub -h localhost -u ana -P wm_abc -t rooms/lobby',
      say: `mosquitto_pub -h localhost -u ana -P wm_abc -t rooms/lobby -m 'it'\\''s me'`,
    });
  });

  it('name a port that is not the usual one', () => {
    expect(lines({ ...none, mqtt: closed(1884) }, 'http://127.0.0.1:8080/').say).toContain('-h 127.0.0.1 -p 1884 -u ana');
    expect(lines({ ...none, mqtt: open(1884) }, 'http://chat.lan:8080/').listen).toContain('-h chat.lan -p 1884 -u ana');
  });

  it('go by TLS where there is no plain MQTT, and where it would cross a network', () => {
    const tls = 'mosquitto_sub -h chat.lan -p 8883 --tls-use-os-certs -u ana -P wm_abc -t rooms/lobby';
    expect(lines({ ...none, mqtts: open(8883) }, 'http://chat.lan:8080/')).toMatchObject({ way: 'tls', listen: tls });
    expect(lines({ ...none, mqtt: open(1883), mqtts: open(8883) }, 'https://chat.lan/')).toMatchObject({ way: 'tls', listen: tls });
    expect(lines({ ...none, mqtt: open(1883), mqtts: closed(8883) }, 'https://chat.lan/').way).toBe('clear');
    expect(lines({ ...none, mqtts: closed(8884) }, 'http://localhost:8080/').say).toContain('-h localhost -p 8884 --tls-use-os-certs');
  });

  it('name the host that the operator has set', () => {
    expect(lines({ ...none, mqtts: open(8883, 'mqtt.example.org') }, 'https://chat.example.org/').say).toContain('-h mqtt.example.org -p 8883');
  });

  it('go by WebSocket from elsewhere when MQTT is served to its own machine only, or not at all', () => {
    const secure = 'npx mqtt sub -l wss -h chat.example.org -p 443 --path /chat/mqtt -u ana -P wm_abc -t rooms/lobby';
    expect(lines({ ...none, mqtt: closed(1883), mqtts: closed(8883) }, 'https://chat.example.org/chat/', '/chat/mqtt')).toMatchObject({ way: 'websocket', listen: secure });
    expect(lines(none, 'http://chat.lan:8080/').say).toBe(`npx mqtt pub -l ws -h chat.lan -p 8080 --path /mqtt -u ana -P wm_abc -t rooms/lobby -m 'it'\\''s me'`);
    expect(lines(none, 'http://chat.lan/').say).toContain('-p 80 ');
  });

  it('have an IPv6 address without its brackets', () => {
    expect(lines({ ...none, mqtt: closed(1883) }, 'http://[::1]:8080/').say).toContain('-h ::1 -u');
    expect(lines({ ...none, mqtt: open(1883) }, 'http://[fd00::5]:8080/').say).toContain('-h fd00::5 -u');
  });
});
