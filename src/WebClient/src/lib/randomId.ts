/** 128 random bits as text. `crypto.randomUUID` is missing on plain http beyond localhost, where people host this at home. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
