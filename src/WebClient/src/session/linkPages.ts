export { default as Invite } from './Invite.svelte';
export { default as NewPassword } from './NewPassword.svelte';
