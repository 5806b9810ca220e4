import { describe, expect, it } from 'vitest';
import { notesOn, waysOf } from '../../../src/account/devices/ways';
import type { ServerPorts } from '../../../src/account/shellLines';

const none: ServerPorts = { mqtt: null, mqtts: null, websocket: '/mqtt' };
const open = (port: number, host: string | null = null) => ({ host, port, local: false });
const closed = (port: number) => ({ host: null, port, local: true });
const ways = (server: Partial<ServerPorts>, address: string) => waysOf({ ...none, ...server }, new URL(address));
const notes = (server: Partial<ServerPorts>, address: string) => notesOn(ways(server, address)[0]!);

describe('The ways of a device to the server', () => {
  it('are the encrypted first, with the host that the operator has set', () => {
    expect(ways({ mqtt: open(1883), mqtts: open(8883, 'mqtt.example.org') }, 'https://chat.example.org/')).toEqual([
      { kind: 'tls', host: 'mqtt.example.org', port: 8883, local: false },
      { kind: 'clear', host: 'chat.example.org', port: 1883, local: false },
    ]);
  });

  it('are those that others reach before those of the machine itself', () => {
    expect(ways({ mqtt: open(1883), mqtts: closed(8883) }, 'http://chat.lan/').map(({ kind, host }) => [kind, host])).toEqual([
      ['clear', 'chat.lan'],
      ['tls', 'localhost'],
    ]);
  });

  it('begin with plain MQTT on the machine itself, whose certificate is not made out to localhost', () => {
    expect(ways({ mqtt: closed(1883), mqtts: closed(8883) }, 'http://localhost:8080/')[0]).toEqual({ kind: 'clear', host: 'localhost', port: 1883, local: true });
    expect(ways({ mqtt: closed(1884) }, 'http://[::1]:8080/')[0]).toMatchObject({ host: '::1', port: 1884 });
  });

  it('are none where MQTT goes by WebSocket alone', () => {
    expect(ways({}, 'https://chat.example.org/')).toEqual([]);
  });

  it('are warned of where the token can be read, and where nobody else gets to', () => {
    expect(notes({ mqtt: open(1883) }, 'http://chat.lan/')).toEqual(['clear']);
    expect(notes({ mqtts: open(8883) }, 'https://chat.lan/')).toEqual(['tls']);
    expect(notes({ mqtt: open(1883) }, 'http://localhost:8080/')).toEqual(['here']);
    expect(notes({ mqtt: closed(1883) }, 'http://localhost:8080/')).toEqual(['local']);
    expect(notes({ mqtt: closed(1883) }, 'https://chat.example.org/')).toEqual(['local']);
    expect(notes({ mqtts: closed(8883) }, 'https://chat.example.org/')).toEqual(['local', 'tls']);
  });
});
