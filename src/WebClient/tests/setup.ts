import { language } from '../src/i18n/i18n.svelte';

// As the page does before it draws anything: the tests read English.
await language.load();
await language.enter('inside');
await language.enter('account');
await language.enter('seldom');
