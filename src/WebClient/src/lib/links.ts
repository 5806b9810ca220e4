export type TextPart = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const candidate = /https?:\/\/[^\s<>"'`\u0000-\u001f\u2028\u2029]+/gi;

/** Splits text into plain parts and http(s) links. It returns data, never markup: the caller draws text nodes and anchors. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(candidate)) {
    const shown = withoutTrailingPunctuation(match[0]);
    const href = safeHref(shown);
    if (href === null) continue;
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    parts.push({ kind: 'link', text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

/** A sentence's full stop or the bracket around a link is not part of it; a bracket opened inside the link is. */
function withoutTrailingPunctuation(link: string): string {
  let end = link.length;
  while (end > 0) {
    const last = link[end - 1]!;
    if ('.,;:!?…'.includes(last)) {
      end--;
      continue;
    }
    const opening = { ')': '(', ']': '[', '}': '{' }[last];
    if (opening !== undefined && count(link.slice(0, end), last) > count(link.slice(0, end), opening)) {
      end--;
      continue;
    }
    break;
  }
  return link.slice(0, end);
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

function safeHref(link: string): string | null {
  if (!URL.canParse(link)) return null;
  const url = new URL(link);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  // `https://bank.example@evil.example` shows one host and opens another.
  return isWeb && url.username === '' && url.password === '' ? url.href : null;
}
