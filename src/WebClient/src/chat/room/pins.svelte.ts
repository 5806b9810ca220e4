import { call, isRecord } from '../../lib/http';
import { Meanwhile } from '../model/meanwhile';
import { settled } from '../model/merge';
import { readEvent, type RoomEvent } from '../model/protocol';

/** The messages that moderators have put on the room's list, the newest first. Read from the server, which alone knows those from further above. */
export class Pins {
  /** Null: not known yet. */
  list = $state.raw<readonly RoomEvent[] | null>(null);
  readonly #seqs = $derived(new Set(this.list?.map((event) => event.seq)));
  readonly #room: string;
  readonly #meanwhile = new Meanwhile();
  #reading = false;
  #again = false;

  constructor(room: string) {
    this.#room = room;
  }

  has(seq: number): boolean {
    return this.#seqs.has(seq);
  }

  /** One call at a time; asked meanwhile, it reads again. What does not come leaves all as it is. */
  async read(): Promise<void> {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      await this.#meanwhile.until(call<unknown>('GET', `/api/rooms/${this.#room}/pins?limit=200`), (answer) => {
        if (answer.ok && isRecord(answer.value) && Array.isArray(answer.value['pins'])) this.list = answer.value['pins'].flatMap(readPin);
      });
    }
    this.#reading = false;
  }

  /** A live event: the list follows it. */
  heard(event: RoomEvent): void {
    if (event.of === null) return;
    if (event.type === 'pin') void this.read();
    else if (event.type === 'delete' || event.type === 'edit') this.#meanwhile.do(() => this.#change(event));
  }

  /** The room is not open to this account any more. */
  clear(): void {
    this.list = null;
  }

  #change(event: RoomEvent): void {
    const { type, of } = event;
    if (of === null || !this.has(of)) return;
    if (type === 'delete') this.list = this.list!.filter(({ seq }) => seq !== of);
    else if (!event.over) this.list = this.list!.map((one) => settled(one, event));
  }
}

function readPin(value: unknown): RoomEvent[] {
  const event = isRecord(value) ? readEvent(value['event']) : null;
  return event ? [event] : [];
}
