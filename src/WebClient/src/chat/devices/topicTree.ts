/** A level of topics: with what is said on it, and with those below. */
export interface Level {
  /** The whole topic as far as this level. */
  path: string;
  /** Its own name; empty levels have an empty one. */
  name: string;
  depth: number;
  /** Something is said on just this topic. */
  isTopic: boolean;
  /** How many topics lie below it. */
  below: number;
  isOpen: boolean;
}

interface Node {
  name: string;
  path: string;
  isTopic: boolean;
  count: number;
  inner: Map<string, Node>;
}

/** Rows that are drawn, at most. Whoever has more open looks for one. */
export const mostRows = 1_000;

/** The rows of a tree of topics, as far as it is opened; levels in the order of their names. */
export function rowsOf(topics: Iterable<string>, open: ReadonlySet<string>): Level[] {
  const root: Node = { name: '', path: '', isTopic: false, count: 0, inner: new Map() };
  for (const topic of topics) put(root, topic);
  const rows: Level[] = [];
  walk(root, 0, open, rows);
  return rows;
}

function put(root: Node, topic: string): void {
  let node = root;
  let path = '';
  for (const [index, name] of topic.split('/').entries()) {
    node.count++;
    path = index === 0 ? name : `${path}/${name}`;
    let next = node.inner.get(name);
    if (!next) node.inner.set(name, (next = { name, path, isTopic: false, count: 0, inner: new Map() }));
    node = next;
  }
  node.isTopic = true;
}

function walk(node: Node, depth: number, open: ReadonlySet<string>, rows: Level[]): void {
  for (const inner of [...node.inner.values()].sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))) {
    if (rows.length >= mostRows) return;
    const isOpen = open.has(inner.path);
    rows.push({ path: inner.path, name: inner.name, depth, isTopic: inner.isTopic, below: inner.count, isOpen });
    if (isOpen) walk(inner, depth + 1, open, rows);
  }
}

/** Bytes in rows of eight: where they stand, what they are, and what of them is ASCII. */
export function hexOf(bytes: Uint8Array): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const row = [...bytes.subarray(at, at + 8)];
    const shown = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    rows.push(`${at.toString(16).padStart(4, '0')} ${shown.padEnd(23)} ${text}`);
  }
  return rows.join('\n');
}
