/** Milliseconds that a part of the page may take on its way, on a slow line too. The browser hands out one that hangs again and again: only a new page helps. */
export const partWithin = 30_000;

/** A step took longer than it may. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

/**
 * What the step answers, if it answers within so many milliseconds; else it is told to stop and the answer is `TookTooLong`. The step is not waited
 * for after that: a request on a dead connection may not even notice that it was aborted.
 */
export async function within<T>(milliseconds: number, step: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new TookTooLong();
      reject(error);
      stop.abort(error);
    }, milliseconds);
  });
  try {
    return await Promise.race([step(stop.signal), limit]);
  } finally {
    clearTimeout(timer);
  }
}
