import { mount } from 'svelte';
import './app.css';
import './outline.css';
import { language } from '../i18n/i18n.svelte';
import { theme } from '../lib/theme.svelte';
import App from './App.svelte';

theme.apply();
await language.load();
mount(App, { target: document.getElementById('app')! });
// The first script would have hidden the sentence for a page that did not come.
if (globalThis.webmessenger === undefined) document.getElementById('stuck')?.remove();
