import { onHost } from './base';
import { toProblem, type Answer } from './http';

/** Seconds of a line on which nothing goes any more, before it counts as dead. */
const quiet = 60;

/**
 * Sends a file as the body of a POST to one of our paths. Not by fetch, which does not say how much of it is sent.
 * @param told How much of it is sent, 0 to 1; at 1 the server works on it, for as long as that takes.
 */
export function upload<T>(path: string, file: Blob, told: (sent: number) => void, signal: AbortSignal): Promise<Answer<T>> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout>;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), quiet * 1000);
    };
    const fail = () => {
      clearTimeout(timer);
      resolve({ ok: false, problem: { status: 0, code: 'unreachable', message: '', fields: {}, retryAfter: null } });
    };
    request.upload.onprogress = ({ loaded, total }) => {
      wait();
      told(total > 0 ? loaded / total : 0);
    };
    request.upload.onload = () => {
      clearTimeout(timer);
      told(1);
    };
    request.onerror = request.onabort = fail;
    request.onload = () => {
      clearTimeout(timer);
      const { status, responseText } = request;
      if (status < 200 || status >= 300) return resolve({ ok: false, problem: toProblem(status, responseText, request.getResponseHeader('Retry-After')) });
      try {
        resolve({ ok: true, value: JSON.parse(responseText) as T });
      } catch {
        fail();
      }
    };
    signal.addEventListener('abort', () => request.abort());
    request.open('POST', onHost(path));
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('Content-Type', 'application/zip');
    wait();
    request.send(file);
  });
}
