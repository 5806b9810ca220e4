namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>
/// What a person does in the page and sees there, as scripts that run inside it: one call for each, so that many can be done in a
/// test.
/// </summary>
internal static class PageHands
{
    /// <summary>Presses what a person would press. Answers `done`, or why it could not be.</summary>
    public const string Act = """
        async ({ act, seq, text, which }) => {
            // The page brings itself in line without a frame; a frame for each step would be most of the time.
            const turn = () => new Promise((done) => setTimeout(done));
            const until = async (find) => {
                for (let i = 0; i < 500; i++, await turn()) {
                    const found = find();
                    if (found) return found;
                }
                return null;
            };
            const write = async (words) => {
                const area = document.querySelector('form textarea');
                area.value = words;
                area.dispatchEvent(new InputEvent('input', { bubbles: true }));
                await turn();
                area.form.requestSubmit();
                await turn();
                return area.value === '' ? 'done' : `still in the composer: ${area.value}`;
            };
            if (act === 'say') return write(text);
            const article = document.querySelector(`[role=log] .bubble[data-seq="${seq}"]`)?.closest('article');
            if (!article) return 'not drawn';
            const named = (name) => [...article.querySelectorAll('button')].find((one) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === name);
            article.dispatchEvent(new PointerEvent('pointerenter', { pointerType: 'mouse' }));
            const bar = await until(() => article.querySelector('[role=toolbar]'));
            try {
                if (!bar) return 'no bar';
                if (act === 'react') {
                    const chips = [...article.querySelectorAll('button.chip[aria-pressed]'), ...bar.querySelectorAll('button.quick')];
                    chips[which % chips.length].click();
                    return 'done';
                }
                const button = named({ edit: 'Edit', delete: 'Delete', reply: 'Reply' }[act] ?? 'Pin') ?? (act === 'pin' ? named('Unpin') : null);
                if (!button) return 'not offered';
                button.click();
                await turn();
                if (act === 'edit' || act === 'reply') return await write(text);
                if (act === 'pin') return 'done';
                const sure = await until(() => article.querySelector('[role=alertdialog] button.danger'));
                sure?.click();
                return sure ? 'done' : 'not asked';
            } finally {
                article.dispatchEvent(new PointerEvent('pointerleave', { pointerType: 'mouse' }));
            }
        }
        """;

    /// <summary>The messages that are drawn and still stand, by seq.</summary>
    public const string Drawn = """
        () => [...document.querySelectorAll('[role=log] .bubble[data-seq]:not(.gone)')].map((bubble) => ({
            seq: Number(bubble.dataset.seq),
            own: bubble.closest('article').classList.contains('own'),
            dice: bubble.querySelector('.roll') !== null,
        }))
        """;

    /// <summary>Another address of the page, without loading it.</summary>
    public const string Go = """
        async ([path, title]) => {
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            if (location.pathname !== path) {
                history.pushState(null, '', path);
                dispatchEvent(new PopStateEvent('popstate'));
            }
            for (let i = 0; i < 600; i++, await frame()) {
                if (document.querySelector('[role=log]')?.getAttribute('aria-label').includes(title) && document.querySelector('form textarea')?.offsetParent) return true;
            }
            return false;
        }
        """;

    /// <summary>All lines after a seq, as they stand there: the page is scrolled up to them, and left at its end.</summary>
    public const string Lines = """
        async ([after, me]) => {
            const log = document.querySelector('[role=log]');
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const plain = (element) => element.innerText.replace(/\s+/g, ' ').trim();
            const lines = new Map();
            let isThere = false;
            const look = () => log.querySelectorAll('.bubble[data-seq]').forEach((bubble) => {
                const seq = Number(bubble.dataset.seq);
                isThere ||= seq <= after;
                if (seq <= after) return;
                const article = bubble.closest('article');
                const quote = article.querySelector('.quote');
                const quoted = quote?.querySelector(':scope > bdi');
                const reactions = [...article.querySelectorAll('.reactions li[title]')].map((one) => `${one.title}#${one.querySelector('small').textContent}`);
                const author = article.getAttribute('aria-label').replace(/, [^,]*$/, '');
                lines.set(seq, {
                    seq,
                    author: article.classList.contains('own') ? me : author,
                    text: bubble.classList.contains('gone')
                        ? plain(bubble)
                        : `${bubble.querySelector('.action') ? '* ' : ''}${plain(bubble.querySelector('.roll') ?? bubble.querySelector('.text'))}`,
                    edited: bubble.querySelector('small') !== null && !bubble.classList.contains('gone'),
                    reactions: reactions.join('; '),
                    quote: !quote ? '' : quote.querySelector('em') ? 'gone' : `${plain(quote.querySelector('bdi'))}: ${plain(quoted)}`,
                    pinned: [...article.querySelectorAll('.visually-hidden')].some((one) => one.textContent === 'Pinned'),
                });
            });
            log.scrollTop = log.scrollHeight;
            await frame();
            look();
            // So much is drawn beyond the edges of the view.
            const step = log.clientHeight + 800;
            for (let i = 0; i < 400 && !isThere && (log.scrollTop > 0 || !log.querySelector('.beginning:not([role])')); i++) {
                log.scrollTop -= step;
                await frame();
                look();
            }
            log.scrollTop = log.scrollHeight;
            await frame();
            return [...lines.values()].sort((a, b) => a.seq - b.seq);
        }
        """;

    /// <summary>How many of the page's words and acts wait to be sent, and how many messages were refused.</summary>
    public const string Outbox = """
        async () => {
            const opening = indexedDB.open('webmessenger');
            await new Promise((done, failed) => Object.assign(opening, { onsuccess: done, onerror: failed }));
            const asking = opening.result.transaction('outbox').objectStore('outbox').getAll();
            const lines = await new Promise((done) => (asking.onsuccess = () => done(asking.result)));
            opening.result.close();
            return { waiting: lines.filter((one) => one.refusal === null).length, refused: lines.filter((one) => one.refusal !== null && !one.act).length };
        }
        """;

    public const string WorkerIsReady = """
        async () => {
            await navigator.serviceWorker.ready;
            if (navigator.serviceWorker.controller) return;
            await new Promise((done) => navigator.serviceWorker.addEventListener('controllerchange', done, { once: true }));
        }
        """;
}
