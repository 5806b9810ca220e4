/** Levels of objects and lists within each other. What follows all of them, as JSON.stringify does, has no more stack than that. */
const mostLevels = 32;

/** Undefined: it is no JSON, or deeper than anybody reads. */
export function parsedJson(text: string): unknown {
  try {
    const found: unknown = JSON.parse(text);
    return isDeeper(found, mostLevels) ? undefined : found;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
