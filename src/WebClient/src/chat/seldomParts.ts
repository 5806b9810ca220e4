export { default as Finder } from './Finder.svelte';
export { default as MentionsPane } from './mentions/MentionsPane.svelte';
export { default as Directory } from './rooms/Directory.svelte';
export { default as NewRoomDialog } from './rooms/NewRoomDialog.svelte';
export { default as SavedPane } from './saved/SavedPane.svelte';
export { default as SearchPane } from './search/SearchPane.svelte';
export { default as TalkPane } from './talk/TalkPane.svelte';
export { default as TalksPage } from './talk/TalksPage.svelte';
