/** Where a link stands in a text, and what is drawn there. */
export interface FoundLink {
  from: number;
  to: number;
  /** As it is shown: whoever looks at it reads where it leads. */
  text: string;
  href: string;
}

/**
 * A link ends at white space, at controls (those that turn text round included), at quotes that open or close, and at the marks of Chinese and
 * Japanese, which stand between words without a space. `’` is an apostrophe too, so it ends a link only as its last character.
 */
const web = /(?:https?:\/\/|(?<![\p{L}\p{N}_@/.-])www\.)[^\s<>"'`\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069“”„‟«»‹›、。，．：；！？（）［］｛｝｢｣､｡〈-】〔-〛]+/giu;
/** Of letters that look like no others: what is read is what is written to. */
const mail = /(?<![\p{L}\p{N}._+\-@/:=])[A-Za-z0-9._+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\p{L}\p{N}@_-])/gu;
/** Those of light markdown too: a link in bold ends before the marks. */
const trailing = new Set('.,;:!?…’*_~|');
const openings = new Map([[')', '('], [']', '['], ['}', '{']]);
/** The longest host name there is (RFC 1035, 2.3.4). Encoding a longer one costs the browser more than its length. */
const longestHost = 253;

/** The links to the web and the e-mail addresses of a text, in order. */
export function* findLinks(text: string): Generator<FoundLink> {
  const addresses: Iterator<RegExpExecArray> = text.includes('@') ? text.matchAll(mail) : [].values();
  let address = addresses.next();
  let end = 0;
  for (const match of text.matchAll(web)) {
    for (; !address.done && address.value.index < match.index; address = addresses.next()) if (address.value.index >= end) yield mailLink(address.value);
    const written = withoutTrailingPunctuation(match[0]);
    const url = webUrl(written);
    if (url === null) continue;
    end = match.index + written.length;
    yield { from: match.index, to: end, text: shown(written, url), href: url.href };
  }
  for (; !address.done; address = addresses.next()) if (address.value.index >= end) yield mailLink(address.value);
}

/** The address that a link of this text may lead to; null: none. */
export function webUrl(written: string): URL | null {
  const isShort = /^www\./i.test(written);
  // Of a sentence that speaks of "www." nothing is a link.
  if (isShort && !/^www\.[^./?#]+\.[^./?#]/i.test(written)) return null;
  const link = isShort ? `https://${written}` : written;
  if (hostIn(link).length > longestHost || !URL.canParse(link)) return null;
  const url = new URL(link);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // `https://bank.example@evil.example` shows one host and opens another.
  return isWeb && url.username === '' && url.password === '' ? url : null;
}

/** The host stands as the browser has it, or the whole link does. */
function shown(written: string, url: URL): string {
  return hostIn(/^www\./i.test(written) ? `https://${written}` : written) === url.host ? written : url.href;
}

function mailLink(match: RegExpExecArray): FoundLink {
  return { from: match.index, to: match.index + match[0].length, text: match[0], href: `mailto:${match[0]}` };
}

/** A sentence's full stop or the bracket around a link is not part of it; a bracket opened inside the link is. */
function withoutTrailingPunctuation(link: string): string {
  const counts = new Map<string, number>();
  for (const char of link) counts.set(char, (counts.get(char) ?? 0) + 1);
  let end = link.length;
  for (; end > 0; end--) {
    const last = link[end - 1]!;
    if (trailing.has(last)) continue;
    const opening = openings.get(last);
    const unopened = opening !== undefined && counts.get(last)! > (counts.get(opening) ?? 0);
    if (!unopened) break;
    counts.set(last, counts.get(last)! - 1);
  }
  return link.slice(0, end);
}

/** What a reader takes for the host and its port. A browser ends it at a backslash too, which a reader does not know. */
function hostIn(link: string): string {
  return /^[^:]*:\/\/([^/?#]*)/.exec(link)?.[1] ?? '';
}
