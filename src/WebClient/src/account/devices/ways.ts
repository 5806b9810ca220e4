import { bare, isLoopback, type PageAddress } from '../pageAddress';
import type { ServerPorts } from '../shellLines';

/** One way for a device to reach the server by MQTT. */
export interface Way {
  /** `clear`: whoever listens in on the way can read the token. */
  kind: 'tls' | 'clear';
  host: string;
  port: number;
  /** From the server's own machine only. */
  local: boolean;
}

/** The best first: those that others reach, and of these the encrypted. None: MQTT goes by WebSocket alone. */
export function waysOf({ mqtt, mqtts }: ServerPorts, page: PageAddress): Way[] {
  const isHere = isLoopback(page.hostname);
  const way = (kind: Way['kind'], at: ServerPorts['mqtt']): Way[] =>
    at === null ? [] : [{ kind, host: at.host ?? (at.local && !isHere ? 'localhost' : bare(page.hostname)), port: at.port, local: at.local }];
  // A certificate is seldom made out to localhost, and nobody listens in on the way.
  if (isHere) return [...way('clear', mqtt), ...way('tls', mqtts)];
  const all = [...way('tls', mqtts), ...way('clear', mqtt)];
  return [...all.filter(({ local }) => !local), ...all.filter(({ local }) => local)];
}

/** What is to be known of a way, worst first: the keys of words for it. */
export function notesOn({ kind, host, local }: Way): ('local' | 'here' | 'clear' | 'tls')[] {
  return [
    ...(local ? (['local'] as const) : isLoopback(host) ? (['here'] as const) : []),
    ...(kind === 'tls' ? (['tls'] as const) : isLoopback(host) ? [] : (['clear'] as const)),
  ];
}
