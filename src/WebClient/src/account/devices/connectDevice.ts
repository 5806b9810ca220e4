import { language } from '../../i18n/i18n.svelte';
import { Part } from '../../lib/part.svelte';

/** Loaded when somebody wants to connect a device to the room that he looks at, with the words of the pages of his account. */
export const connectDevice = new Part(async () => (await Promise.all([import('./ConnectDevice.svelte'), language.enter('account')]))[0]);

/** The same when he pins a certificate to its token. */
export const deviceCertificate = new Part(async () => (await Promise.all([import('./DeviceCertificate.svelte'), language.enter('account')]))[0]);

/** The same when a device's token has another secret. */
export const renewedDevice = new Part(async () => (await Promise.all([import('./RenewedDevice.svelte'), language.enter('account')]))[0]);
