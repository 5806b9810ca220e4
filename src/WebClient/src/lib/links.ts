import { closedBidi } from './bidi';
import { fewMarks } from './fewMarks';

export type TextPart = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

/**
 * A link ends at white space, at controls (those that turn text round included), at quotes that open or close, and at the marks of Chinese and
 * Japanese, which stand between words without a space. `’` is an apostrophe too, so it ends a link only as its last character.
 */
const candidate = /https?:\/\/[^\s<>"'`\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069“”„‟«»‹›、。，．：；！？（）［］｛｝｢｣､｡〈-】〔-〛]+/giu;
const trailing = new Set('.,;:!?…’');
const openings = new Map([[')', '('], [']', '['], ['}', '{']]);
/** The longest host name there is (RFC 1035, 2.3.4). Encoding a longer one costs the browser more than its length. */
const longestHost = 253;
/** Further links of one message stay text: hundreds of them take longer to draw than all else in sight. */
const mostLinks = 40;

/** Splits text into plain parts and http(s) links. It returns data, never markup: the caller draws text nodes and anchors. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let [from, links] = [0, 0];
  for (const match of text.matchAll(candidate)) {
    const written = withoutTrailingPunctuation(match[0]);
    const url = safeUrl(written);
    if (url === null) continue;
    if (++links > mostLinks) break;
    if (match.index > from) parts.push(plain(text.slice(from, match.index)));
    // Whoever looks at a link reads where it leads: the host stands as the browser has it, or the whole link does.
    parts.push({ kind: 'link', text: hostIn(written) === url.host ? written : url.href, href: url.href });
    from = match.index + written.length;
  }
  if (from < text.length) parts.push(plain(text.slice(from)));
  return parts;
}

function plain(text: string): TextPart {
  return { kind: 'text', text: fewMarks(closedBidi(text)) };
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

function safeUrl(link: string): URL | null {
  if (hostIn(link).length > longestHost || !URL.canParse(link)) return null;
  const url = new URL(link);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // `https://bank.example@evil.example` shows one host and opens another.
  return isWeb && url.username === '' && url.password === '' ? url : null;
}

/** What a reader takes for the host and its port. A browser ends it at a backslash too, which a reader does not know. */
function hostIn(link: string): string {
  return /^[^:]*:\/\/([^/?#]*)/.exec(link)?.[1] ?? '';
}
