import { bare, isLoopback, type PageAddress } from './pageAddress';
import { shellWord } from './shellWord';

/** How MQTT clients reach this server, as `GET /api/server` says. Null: not by this way. */
export interface ServerPorts {
  /** `host`: null, if it is the one that the pages are at. `local`: from the server's own machine only. */
  mqtt: { host: string | null; port: number; local: boolean } | null;
  mqtts: { host: string | null; port: number; local: boolean } | null;
  /** One of our paths. */
  websocket: string;
  /** By `mqtts` a client certificate is taken in place of a password. */
  certificates?: boolean;
}

/** `clear`: the token travels unencrypted. `websocket`: it takes the mqtt package of npm, for the mosquitto clients know no WebSocket. */
export interface ShellLines {
  way: 'local' | 'tls' | 'clear' | 'websocket';
  listen: string;
  say: string;
}

/** Lines to paste into a shell of whoever looks at the page: encrypted where they are not on the server's machine and it can be had. */
export function shellLines(server: ServerPorts, page: PageAddress, websocketPath: string, user: string, token: string, topic: string, text: string): ShellLines {
  const access = `-u ${shellWord(user)} -P ${shellWord(token)} -t ${shellWord(topic)}`;
  const saying = `-m ${shellWord(text)}`;
  const isHere = isLoopback(page.hostname);
  const { mqtt, mqtts } = server;
  const mosquitto = (way: ShellLines['way'], host: string | null, port: number, usual: number, options = '') => {
    const where = `-h ${shellWord(host ?? bare(page.hostname))}${port === usual ? '' : ` -p ${port}`}${options}`;
    return { way, listen: `mosquitto_sub ${where} ${access}`, say: `mosquitto_pub ${where} ${access} ${saying}` };
  };
  // A certificate is seldom made out to localhost, and nobody listens in on the way.
  if (isHere && mqtt) return mosquitto('local', mqtt.host, mqtt.port, 1883);
  if (mqtts && (isHere || !mqtts.local)) return mosquitto('tls', mqtts.host, mqtts.port, 0, ' --tls-use-os-certs');
  if (mqtt && !mqtt.local) return mosquitto('clear', mqtt.host, mqtt.port, 1883);
  const secure = page.protocol === 'https:';
  const where = `-l ${secure ? 'wss' : 'ws'} -h ${shellWord(bare(page.hostname))} -p ${page.port || (secure ? 443 : 80)} --path ${shellWord(websocketPath)}`;
  return { way: 'websocket', listen: `npx mqtt sub ${where} ${access}`, say: `npx mqtt pub ${where} ${access} ${saying}` };
}
