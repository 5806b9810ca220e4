import { onHost } from './base';
import { askedEarly } from './early';
import { within } from './within';

export interface FieldError {
  code: string | null;
  message: string;
}

/** What the server (or the network) had against a call. `status` 0: there was no answer. */
export interface Problem {
  status: number;
  code: string | null;
  message: string;
  /** What somebody wrote for this one case, in no language that the page knows. */
  reason?: string;
  fields: Record<string, FieldError[]>;
  /** Seconds after which trying again makes sense, by `Retry-After` (RFC 9110 10.2.3); null: nothing was said. */
  retryAfter: number | null;
}

/** Milliseconds after which a call counts as unanswered: an answer that is read, and one that a change may have to wait for on the server. */
export const patience = { reading: 10_000, changing: 20_000 } as const;

export type Answer<T> = { ok: true; value: T } | { ok: false; problem: Problem };

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/**
 * `path` is one of ours, as `/api/rooms`: the base is put before it. Answers within `limit` milliseconds, whatever the network does: a request on a
 * connection that died without a word would otherwise wait for minutes.
 */
export async function call<T>(
  method: Method,
  path: string,
  body?: unknown,
  limit: number = method === 'GET' ? patience.reading : patience.changing,
): Promise<Answer<T>> {
  try {
    return await within(limit, async (signal) => {
      const response = await ((method === 'GET' && askedEarly(path)) || fetch(onHost(path), { ...request(method, body), signal }));
      const content = await response.text();
      if (response.ok) return { ok: true, value: (content === '' ? undefined : JSON.parse(content)) as T };
      return { ok: false, problem: toProblem(response.status, content, response.headers.get('Retry-After')) };
    });
  } catch {
    // Nothing answered, or not in time; an answer that is no JSON comes from something between us and the server.
    return { ok: false, problem: { status: 0, code: 'unreachable', message: '', fields: {}, retryAfter: null } };
  }
}

/** What was answered before, and the tag by which the server knows whether it is so still. */
export interface Tagged<T> {
  tag: string | null;
  value: T;
}

/** A GET whose answer may be long and is seldom another than before: `known` is answered again for as long as the server has nothing new. */
export async function callTagged<T>(path: string, known: Tagged<T> | null): Promise<Answer<Tagged<T>>> {
  try {
    return await within(patience.reading, async (signal) => {
      const init = request('GET', undefined);
      if (known?.tag) init.headers = { ...init.headers, 'If-None-Match': known.tag };
      const response = await (askedEarly(path) || fetch(onHost(path), { ...init, signal }));
      const content = await response.text();
      if (response.status === 304 && known) return { ok: true, value: known };
      if (response.ok) return { ok: true, value: { tag: response.headers.get('ETag'), value: JSON.parse(content) as T } };
      return { ok: false, problem: toProblem(response.status, content, response.headers.get('Retry-After')) };
    });
  } catch {
    return { ok: false, problem: { status: 0, code: 'unreachable', message: '', fields: {}, retryAfter: null } };
  }
}

function request(method: Method, body: unknown): RequestInit {
  const init = { method, headers: { Accept: 'application/json' }, cache: 'no-store' } satisfies RequestInit;
  return body === undefined ? init : { ...init, headers: { ...init.headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** Reads RFC 9457 problem details leniently: proxies answer with pages of their own. */
export function toProblem(status: number, content: string, retryAfter: string | null = null): Problem {
  let body: unknown;
  try {
    body = JSON.parse(content);
  } catch {
    body = null;
  }
  const details = isRecord(body) ? body : {};
  const reason = textOf(details['reason']);
  return {
    ...(reason === null ? {} : { reason }),
    status,
    code: textOf(details['code']),
    message: textOf(details['detail']) ?? textOf(details['title']) ?? '',
    fields: toFields(details['errors']),
    retryAfter: toSeconds(retryAfter),
  };
}

function toSeconds(retryAfter: string | null): number | null {
  if (retryAfter === null) return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  // A proxy may say it as a date.
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

function toFields(errors: unknown): Record<string, FieldError[]> {
  const fields: Record<string, FieldError[]> = {};
  if (!isRecord(errors)) return fields;
  for (const [name, value] of Object.entries(errors)) {
    // ASP.NET Core names fields as C# does in some answers.
    const key = name.charAt(0).toLowerCase() + name.slice(1);
    fields[key] = (Array.isArray(value) ? value : [value]).map((entry: unknown) =>
      isRecord(entry) ? { code: textOf(entry['code']), message: textOf(entry['message']) ?? '' } : { code: null, message: String(entry) },
    );
  }
  return fields;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
