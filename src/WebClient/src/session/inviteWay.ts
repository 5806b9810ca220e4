/**
 * What becomes of a link while its reader goes through the doors, for as long as the page is not loaded anew. `byLink`: somebody saw it without being
 * signed in, so who comes back signed in wanted in. `secret`: where the tab keeps nothing.
 */
export const inviteWay = { byLink: false, secret: '' };
