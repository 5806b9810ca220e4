import type { Certificate } from '../../account/devices/certificate';
import { Fetched } from '../../lib/fetched.svelte';
import { FormState } from '../../lib/form.svelte';
import { call } from '../../lib/http';

/** One that is connected by a device's token, or is kept for it while it is away: then its name is all that is known. */
export interface DeviceClient {
  client: string;
  connected: boolean;
  /** Null: not told to who could not throw it out. */
  address?: string | null;
  since?: string | null;
  lastSeen?: string;
  /** Publishes a second, of the last minute. */
  rate?: number;
}

/** An access token that is mounted in the room. */
export interface Device {
  id: string;
  name: string;
  /** User name of who made it. */
  by: string;
  /** Null: all below the mount. */
  topics: { read: string[]; write: string[] } | null;
  createdAt: string;
  expiresAt: string | null;
  lastSeen: string | null;
  address: string | null;
  /** False: who made it is not in the room any more. */
  works: boolean;
  mine: boolean;
  /** Whether one may throw it out, and trace it if one may read what devices say. */
  below: boolean;
  connected: number;
  rate: number;
  refusals: number;
  lastRefusal: { at: string; client: string; code: string; reason: string; topic: string | null } | null;
  clients: DeviceClient[];
  /** Clients that are not listed. */
  more: number;
  certificate: Certificate | null;
}

export type Way = 'throwOut' | 'revoke' | 'renew' | 'trace' | 'certificate';

/**
 * What may be done about a device, as far as this page knows.
 * @param reads Whether one may read what devices say in the room: a trace shows it.
 */
export function waysWith({ below, connected, mine }: Device, reads: boolean): Way[] {
  const ways: [Way, boolean][] = [
    ['throwOut', below && connected > 0],
    ['trace', below && reads],
    ['certificate', mine],
    ['renew', mine],
    ['revoke', below],
  ];
  return ways.filter(([, may]) => may).map(([way]) => way);
}

interface Page {
  devices: Device[];
  next: string | null;
}

/** The devices of a room and what its moderators do about them. */
export class RoomDevices {
  readonly list: Fetched<Page>;
  /** Of the buttons in the list, and of the dialog that is open. */
  readonly act = new FormState();
  /** The new secret of a token, which the server says this once. */
  secret = $state<string | null>(null);
  readonly path: string;
  #cursor = $state<string | null>(null);

  constructor(room: string) {
    this.path = `/api/rooms/${room}/devices`;
    this.list = new Fetched(() => call('GET', this.path + (this.#cursor === null ? '' : `?cursor=${this.#cursor}`)));
  }

  get isFirstPage(): boolean {
    return this.#cursor === null;
  }

  /** `cursor`: the `next` of a page; null: the first one. */
  async turnTo(cursor: string | null): Promise<void> {
    this.#cursor = cursor;
    await this.list.read();
  }

  /** Answers whether all its connections are closed. */
  throwOut = (device: Device): Promise<boolean> => this.#do('POST', device, '/disconnect');

  /** Answers whether its token is gone, by whomever. */
  revoke = (device: Device): Promise<boolean> => this.#do('DELETE', device, '');

  async renew(device: Device): Promise<void> {
    const answer = await this.act.send(() => call<{ token: string }>('POST', `${this.#of(device)}/renew`));
    if (answer?.ok) this.secret = answer.value.token;
    await this.list.read();
  }

  /** Another dialog is opened, or none. */
  begin(): void {
    [this.secret, this.act.problem] = [null, null];
  }

  #of(device: Device): string {
    return `${this.path}/${encodeURIComponent(device.id)}`;
  }

  async #do(method: 'POST' | 'DELETE', device: Device, what: string): Promise<boolean> {
    const answer = await this.act.send(() => call(method, this.#of(device) + what));
    const isDone = answer?.ok === true || answer?.problem.code === 'no_such_device';
    await this.list.read();
    return isDone;
  }
}
