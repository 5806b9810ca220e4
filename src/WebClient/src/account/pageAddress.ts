/** Where the pages are at. */
export interface PageAddress {
  protocol: string;
  hostname: string;
  /** Empty: the default one of the protocol. */
  port: string;
}

/** Of a name or an address, with the brackets of a URL or without. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
}

/** URLs put an IPv6 address into brackets; programs want it bare. */
export function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
