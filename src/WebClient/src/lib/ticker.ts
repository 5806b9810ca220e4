import { scriptUrl } from './scriptUrl';
import workerUrl from './ticker.worker?worker&url';

let worker: Worker | null | undefined;
let lastId = 0;
const callbacks = new Map<number, { callback: () => void; every: number }>();
const ownTimers = new Map<number, ReturnType<typeof setInterval>>();

/** Null when a stricter content security policy, as of a proxy in between, allows no worker. */
function start(): Worker | null {
  try {
    const started = new Worker(scriptUrl('webmessenger-worker', workerUrl), { type: 'module' });
    started.addEventListener('message', (event: MessageEvent<number>) => callbacks.get(event.data)?.callback());
    started.addEventListener('error', goOnAlone);
    return started;
  } catch {
    return null;
  }
}

/** The worker's file did not come, or it fell over: a pace that a hidden tab slows down is better than none. */
function goOnAlone(): void {
  worker?.terminate();
  worker = null;
  for (const [id, { callback, every }] of callbacks) ownTimers.set(id, setInterval(callback, every));
  callbacks.clear();
}

/** An interval that keeps its pace in a hidden tab, where the browser lets it. */
export const ticker = {
  set(callback: () => void, every: number): number {
    const id = ++lastId;
    if (worker === undefined) worker = start();
    if (worker) {
      callbacks.set(id, { callback, every });
      worker.postMessage({ id, every });
    } else {
      ownTimers.set(id, setInterval(callback, every));
    }
    return id;
  },
  clear(id: number): void {
    if (callbacks.delete(id)) worker?.postMessage({ id, every: null });
    clearInterval(ownTimers.get(id));
    ownTimers.delete(id);
  },
};
