import { call } from '../../lib/http';
import { Retry, type Tried } from '../../lib/retry.svelte';
import { readPage, readRoom, type Room, type RoomEvent } from '../model/protocol';

/** Milliseconds after which it is read again, while somebody sees it. */
const readAgainAfter = 4_000;
const linesShown = 30;

/** A room that is looked into before one comes in: its last lines, read again and again. Nobody in it is told. */
export class DirectoryPeek {
  room = $state.raw<Room | null>(null);
  lines = $state.raw<readonly RoomEvent[]>([]);
  /** Shut: not everybody may look into it any more. */
  phase = $state<'loading' | 'ready' | 'failed' | 'shut'>('loading');
  readonly retry = new Retry();
  readonly #path: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(room: Room) {
    this.room = room;
    this.#path = `/api/rooms/${room.id}`;
  }

  read = (): Promise<void> => this.retry.run(() => this.#read());

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.retry.stop();
  }

  async #read(): Promise<Tried> {
    clearTimeout(this.#timer);
    if (document.visibilityState === 'visible') {
      const [room, page] = await Promise.all([call<unknown>('GET', this.#path), call<unknown>('GET', `${this.#path}/events?view=lines&limit=${linesShown}`)]);
      if (this.#stopped) return 'done';
      const problem = room.ok ? (page.ok ? null : page.problem) : room.problem;
      if (problem?.status === 404 || problem?.status === 403) {
        this.lines = [];
        this.phase = 'shut';
        return 'done';
      }
      if (!room.ok || !page.ok) {
        if (this.phase === 'loading') this.phase = 'failed';
        return 'again';
      }
      this.room = readRoom(room.value) ?? this.room;
      this.lines = readPage(page.value)?.events.filter((event) => event.type === 'message') ?? [];
      this.phase = 'ready';
    }
    this.#timer = setTimeout(() => void this.read(), readAgainAfter);
    return 'done';
  }
}
