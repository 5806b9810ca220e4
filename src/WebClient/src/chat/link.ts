// The only file that knows the MQTT library.
import mqtt, { type IPublishPacket, type MqttClient, type Packet } from 'mqtt';
import { ticker } from '../lib/ticker';

export type Published = { ok: true } | { ok: false; code: number; text: string };
export type Subscribed = 'granted' | 'refused' | 'lost';

export interface LinkEvents {
  opened(): void;
  message(topic: string, payload: string): void;
  /** Said once, whether the link was ever open or not. */
  closed(): void;
}

/** One MQTT 5 connection over the page's own origin, signed in by its cookie. It is used once: a new attempt is a new link. */
export class Link {
  readonly #client: MqttClient;
  #acknowledgement: Packet | null = null;

  constructor(clientId: string, events: LinkEvents) {
    const url = new URL('/mqtt', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#client = mqtt.connect(url.href, {
      protocolVersion: 5,
      clientId,
      clean: true,
      keepalive: 30,
      connectTimeout: 10_000,
      // When to try again, and whether at all, is decided by who the page is signed in as.
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      // The library's own worker is made from a blob: URL, which the content security policy refuses.
      timerVariant: ticker,
    });
    let closed = false;
    const close = () => {
      if (closed) return;
      closed = true;
      this.#client.end(true);
      events.closed();
    };
    this.#client.on('connect', () => events.opened());
    this.#client.on('message', (topic, payload) => events.message(topic, payload.toString()));
    this.#client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.#acknowledgement = packet;
    });
    this.#client.on('disconnect', close);
    this.#client.on('error', close);
    this.#client.on('close', close);
  }

  subscribe(filter: string, qos: 0 | 1): Promise<Subscribed> {
    return new Promise((resolve) => {
      if (!this.#client.connected) return resolve('lost');
      this.#client.subscribe(filter, { qos }, (error) => {
        if (!error) resolve('granted');
        else resolve(typeof (error as { code?: unknown }).code === 'number' ? 'refused' : 'lost');
      });
    });
  }

  unsubscribe(filter: string): void {
    if (this.#client.connected) this.#client.unsubscribe(filter);
  }

  /** Answers when the server has acknowledged it; never, when the link closes before that. */
  publish(topic: string, payload: string): Promise<Published> {
    return new Promise((resolve) => {
      if (!this.#client.connected) return;
      this.#client.publish(topic, payload, { qos: 1 }, (error, packet) => {
        if (!error) return resolve({ ok: true });
        const code = 'code' in error ? Number(error.code) : 0;
        // Anything else than a reason code means that the connection went: the message is sent again on the next one.
        if (code >= 0x80) resolve({ ok: false, code, text: reasonOf(this.#acknowledgement ?? packet) });
      });
    });
  }

  /** For what is worth nothing later. */
  publishLoosely(topic: string): void {
    if (this.#client.connected) this.#client.publish(topic, '', { qos: 0 });
  }

  close(): void {
    this.#client.end(false);
  }

  /** Without a word to the server, which cannot be reached. */
  abandon(): void {
    this.#client.end(true);
  }
}

function reasonOf(packet: Packet | undefined): string {
  return (packet as { properties?: IPublishPacket['properties'] & { reasonString?: string } } | undefined)?.properties?.reasonString ?? '';
}
