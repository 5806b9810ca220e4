import { call, type Problem } from '../../lib/http';

/** Milliseconds between two looks. */
const every = 1_000;

/** What the server noted of one packet: nothing of what it carried. */
export interface Packet {
  at: string;
  client: string;
  /** `in`: from the device. */
  way: 'in' | 'out';
  packet: string;
  bytes?: number;
  id?: number;
  topic?: string;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  codes?: number[];
}

interface Part {
  began: string;
  over: boolean;
  packets: Packet[];
  more: number;
}

/** A minute of the packets of one device, read as they come for as long as somebody looks. */
export class PacketTrace {
  packets = $state.raw<readonly Packet[]>([]);
  /** Packets that the server counted only. */
  more = $state(0);
  phase = $state<'beginning' | 'running' | 'over' | 'failed'>('beginning');
  problem = $state.raw<Problem | null>(null);
  readonly #path: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;
  #began: string | null = null;

  constructor(devices: string, id: string) {
    this.#path = `${devices}/${encodeURIComponent(id)}/trace`;
  }

  /** Begins; also anew, when it is over. */
  begin = async (): Promise<void> => {
    clearTimeout(this.#timer);
    this.#began = null;
    [this.packets, this.more, this.phase, this.problem, this.#isStopped] = [[], 0, 'beginning', null, false];
    const answer = await call<Part>('POST', this.#path);
    if (answer.ok) this.#take(answer.value);
    else [this.problem, this.phase] = [answer.problem, 'failed'];
  };

  /** Nobody looks any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const answer = await call<Part>('GET', `${this.#path}?after=${this.packets.length}`);
    if (this.#isStopped) return;
    this.problem = answer.ok ? null : answer.problem;
    if (answer.ok) this.#take(answer.value);
    // What is refused stays so; a network that is away comes back.
    else if (answer.problem.status === 403 || answer.problem.status === 404) this.phase = 'failed';
    else this.#again();
  }

  #take({ began, packets, more, over }: Part): void {
    if (this.#isStopped) return;
    // Over while nobody looked, and begun anew by somebody else: that is another minute.
    if (this.#began !== null && this.#began !== began) {
      this.phase = 'over';
      return;
    }

    this.#began = began;
    if (packets.length > 0) this.packets = [...this.packets, ...packets];
    this.more = more;
    this.phase = over ? 'over' : 'running';
    if (!over) this.#again();
  }

  #again(): void {
    this.#timer = setTimeout(() => void this.#look(), every);
  }
}

/** MQTT's own words for its reason codes (MQTT 5.0, 2.4), of those that a device meets here. */
const reasons: Record<number, string> = {
  0x10: 'No matching subscribers',
  0x11: 'No subscription existed',
  0x80: 'Unspecified error',
  0x81: 'Malformed packet',
  0x82: 'Protocol error',
  0x83: 'Implementation specific error',
  0x84: 'Unsupported protocol version',
  0x85: 'Client identifier not valid',
  0x86: 'Bad user name or password',
  0x87: 'Not authorized',
  0x88: 'Server unavailable',
  0x8b: 'Server shutting down',
  0x8d: 'Keep alive timeout',
  0x8e: 'Session taken over',
  0x8f: 'Topic filter invalid',
  0x90: 'Topic name invalid',
  0x92: 'Packet identifier not found',
  0x93: 'Receive maximum exceeded',
  0x94: 'Topic alias invalid',
  0x95: 'Packet too large',
  0x97: 'Quota exceeded',
  0x98: 'Administrative action',
  0x99: 'Payload format invalid',
};

const hex = (code: number) => `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;

/** What MQTT calls it: terms of the protocol, in no language. */
export function detailsOf({ qos, retain, dup, id, bytes, codes }: Packet): string {
  return [
    ...(qos === undefined ? [] : [`QoS ${qos}`]),
    ...(retain ? ['retain'] : []),
    ...(dup ? ['DUP'] : []),
    ...(id === undefined ? [] : [`#${id}`]),
    ...(bytes === undefined ? [] : [`${bytes} B`]),
    ...(codes ?? []).map((code) => (reasons[code] ? `${hex(code)} ${reasons[code]}` : hex(code))),
  ].join(' · ');
}

/** When it came or went, to the millisecond: a device answers within one second. */
export function clockOf(at: string): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
}

/** It says that something was refused. Of SUBACK in MQTT 3.1.1, 0x80 alone does. */
export function isRefusal({ codes }: Packet): boolean {
  return codes?.some((code) => code >= 0x80) ?? false;
}
