/** The client certificate of an access token, as the server tells of it. */
export interface Certificate {
  /** SHA-256 of its DER, in hexadecimal digits. */
  fingerprint: string;
  notBefore: string;
  notAfter: string;
}

/** As `openssl x509 -fingerprint -sha256` prints it; `bytes`: so many of its beginning. */
export function fingerprintText(fingerprint: string, bytes = 32): string {
  return (fingerprint.slice(0, 2 * bytes).toUpperCase().match(/../g) ?? []).join(':') + (bytes < 32 ? '…' : '');
}

/** A private key is for the device alone: it is not even sent. */
export function hasPrivateKey(pem: string): boolean {
  return pem.includes('PRIVATE KEY-----');
}
