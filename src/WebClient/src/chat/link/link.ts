// The only file that uses the MQTT library, by way of `lean`.
import './lean/process';
import type { Packet } from 'mqtt';
import { onHost } from '../../lib/base';
import { browserStreamBuilder, MqttClient } from './lean/mqtt.cjs';
import { Pulse } from '../../lib/pulse';
import { ticker } from '../../lib/ticker';

/** `logged`: where the log has it. Lost: the connection went before the answer; the server may have it or not. */
export type Published = { ok: true; logged: { seq: number; epoch: string } | null } | Refused | 'lost';
/** By MQTT 5 reason code, in words, and by the server's name for it where it has one. `retry`: seconds after which it may be sent again; null: not said. */
export interface Refused {
  ok: false;
  code: number;
  text: string;
  name: string | null;
  retry: number | null;
}
type Puback = Extract<Packet, { cmd: 'puback' | 'pubrec' }>;
export type Subscribed = 'granted' | 'refused' | 'lost';

/** Where a subscription to one room, or to the inbox, begins: behind an event that is known, or with the newest ones. */
export type From = { after: number; epoch: string } | { last: number };

/** Milliseconds. */
const pulseEvery = 5_000;
const connectTimeout = 10_000;
/** MQTT 5's reason code of a node that stops while others serve on. */
const serverMoved = 0x9d;

/** How MQTT 5 wants to hear retained values: with the flag of their publish, and whether those there are come at the beginning (3.8.3.1). */
export interface Hearing {
  rap?: boolean;
  rh?: 0 | 1 | 2;
}

export interface LinkEvents {
  opened(): void;
  message(topic: string, payload: string): void;
  /** Said once, whether the link was ever open or not. `moved`: another node of the server takes the page at once. */
  closed(moved: boolean): void;
}

/** One MQTT 5 connection over the page's own origin, signed in by its cookie. It is used once: a new attempt is a new link. */
export class Link {
  readonly #client: MqttClient;
  /** By packet id, from when they come until the publish is answered: the library hands over only their code. */
  readonly #acknowledgements = new Map<number, Puback>();
  readonly #pulse = new Pulse(performance.now());
  /** Hears what is said on data topics, which is any bytes; null: nobody looks. */
  heardData: ((topic: string, payload: Uint8Array, retain: boolean) => void) | null = null;
  readonly #ticks: number;

  #lose!: (lost: 'lost') => void;
  /** Whatever is asked of the link has an answer, also when the library has none any more. */
  readonly #lost = new Promise<'lost'>((resolve) => (this.#lose = resolve));

  constructor(clientId: string, events: LinkEvents) {
    const url = new URL(onHost('/mqtt'), location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#client = new MqttClient(
      (client) =>
        browserStreamBuilder(client, {
          ...client.options,
          createWebsocket: (_url, protocols) => this.#listen(new WebSocket(url, protocols)),
        }),
      {
        protocolVersion: 5,
        clientId,
        clean: true,
        keepalive: 25,
        connectTimeout,
        // When to try again, and whether at all, is decided by who the page is signed in as.
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        // The library's own worker is made from a blob: URL, which the content security policy refuses.
        timerVariant: ticker,
      },
    );
    let closed = false;
    const close = (moved = false) => {
      if (closed) return;
      closed = true;
      this.abandon();
      events.closed(moved);
    };
    this.#client.on('connect', () => events.opened());
    this.#client.on('message', (topic, payload, { retain }) => {
      if (/^rooms\/[^/]+\/data\//.test(topic)) this.heardData?.(topic, payload, retain);
      else events.message(topic, payload.toString());
    });
    this.#client.on('packetreceive', (packet) => {
      if ((packet.cmd === 'puback' || packet.cmd === 'pubrec') && packet.messageId !== undefined) this.#acknowledgements.set(packet.messageId, packet);
    });
    this.#client.on('disconnect', ({ reasonCode }) => close(reasonCode === serverMoved));
    this.#client.on('error', () => close());
    this.#client.on('close', () => close());
    // The library notices a dead connection only while nothing is written: each write puts its ping off.
    this.#ticks = ticker.set(() => {
      if (!this.#client.connected) return;
      const pulse = this.#pulse.tick(performance.now());
      if (pulse === 'dead') return close();
      if (pulse !== 'ask') return;
      this.#pulse.asked(performance.now());
      this.#client.sendPing();
    }, pulseEvery);
  }

  /** One packet. Of several filters, one that is refused refuses all. `from` goes with one filter. */
  subscribe(filters: string | string[], qos: 0 | 1, from?: From, hearing?: Hearing): Promise<Subscribed> {
    const answer = new Promise<Subscribed>((resolve) => {
      if (!this.#client.connected) return resolve('lost');
      const userProperties = from && Object.fromEntries(Object.entries(from).map(([name, value]) => [name, String(value)]));
      this.#pulse.asked(performance.now());
      this.#client.subscribe(filters, { qos, ...hearing, ...(userProperties ? { properties: { userProperties } } : {}) }, (error, _granted, answer) => {
        if (!error) resolve('granted');
        // The code is lost on the way through mqtt.js 5.16, but a connection that went comes without an answer.
        else resolve(answer ? 'refused' : 'lost');
      });
    });
    return Promise.race([answer, this.#lost]);
  }

  unsubscribe(filters: string[]): void {
    if (this.#client.connected) this.#client.unsubscribe(filters);
  }

  publish(topic: string, payload: string, options: { qos: 0 | 1 | 2; retain?: boolean } = { qos: 1 }): Promise<Published> {
    const answer = new Promise<Published>((resolve) => {
      if (!this.#client.connected) return resolve('lost');
      this.#pulse.asked(performance.now());
      this.#client.publish(topic, payload, options, (error, packet) => {
        const packetId = packet?.messageId ?? 0;
        const properties = this.#acknowledgements.get(packetId)?.properties;
        this.#acknowledgements.delete(packetId);
        if (!error) return resolve({ ok: true, logged: readLogged(properties?.userProperties) });
        const code = 'code' in error ? Number(error.code) : 0;
        // Anything else than a reason code means that the connection went.
        resolve(code >= 0x80 ? { ok: false, code, text: properties?.reasonString ?? '', ...readAgain(properties?.userProperties) } : 'lost');
      });
    });
    return Promise.race([answer, this.#lost]);
  }

  /** For what is worth nothing later. */
  publishLoosely(topic: string): void {
    if (this.#client.connected) this.#client.publish(topic, '', { qos: 0 });
  }

  close(): void {
    ticker.clear(this.#ticks);
    this.#client.end(false);
  }

  /** Without a word to the server, which cannot be reached. */
  abandon(): void {
    ticker.clear(this.#ticks);
    this.#lose('lost');
    this.#client.end(true);
  }

  /** Whatever comes is a sign of life, also while a long packet is not whole yet. */
  #listen(socket: WebSocket): WebSocket {
    socket.addEventListener('message', () => this.#pulse.heard(performance.now()));
    return socket;
  }
}

function readAgain(properties: Record<string, string | string[]> | undefined): Pick<Refused, 'name' | 'retry'> {
  const { code, retry } = properties ?? {};
  return { name: typeof code === 'string' ? code : null, retry: typeof retry === 'string' && /^\d{1,9}$/.test(retry) ? Number(retry) : null };
}

function readLogged(properties: Record<string, string | string[]> | undefined): { seq: number; epoch: string } | null {
  const { seq, epoch } = properties ?? {};
  return typeof seq === 'string' && typeof epoch === 'string' ? { seq: Number(seq), epoch } : null;
}
