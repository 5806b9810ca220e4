import workerUrl from './ticker.worker?worker&url';

interface ScriptUrlPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): ScriptUrlPolicy;
}

const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
// Named in the server's content security policy; it lets through the one worker that the build made.
const policy = factory?.createPolicy('webmessenger-worker', {
  createScriptURL: (url) => {
    if (url !== workerUrl) throw new TypeError(`Not a worker of this page: ${url}`);
    return url;
  },
});

let worker: Worker | null = null;
let lastId = 0;
const callbacks = new Map<number, () => void>();

function startedWorker(): Worker {
  if (worker === null) {
    worker = new Worker(policy?.createScriptURL(workerUrl) ?? workerUrl, { type: 'module' });
    worker.addEventListener('message', (event: MessageEvent<number>) => callbacks.get(event.data)?.());
  }
  return worker;
}

/** An interval that keeps its pace in a hidden tab. */
export const ticker = {
  set(callback: () => void, every: number): number {
    const id = ++lastId;
    callbacks.set(id, callback);
    startedWorker().postMessage({ id, every });
    return id;
  },
  clear(id: number): void {
    if (callbacks.delete(id)) worker?.postMessage({ id, every: null });
  },
};
