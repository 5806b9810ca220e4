// All that lies behind the door, but for its connection: loaded when somebody is signed in.
export { Chat } from './chat.svelte';
export { default as ChatPage } from './ChatPage.svelte';
