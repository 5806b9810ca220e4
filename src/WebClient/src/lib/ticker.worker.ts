// Browsers slow the timers of a hidden tab down to one a minute, which would miss MQTT's keep-alive; a worker's timers keep their pace.
const timers = new Map<number, ReturnType<typeof setInterval>>();

addEventListener('message', (event: MessageEvent<{ id: number; every: number | null }>) => {
  const { id, every } = event.data;
  clearInterval(timers.get(id));
  timers.delete(id);
  if (every !== null) timers.set(id, setInterval(() => postMessage(id), every));
});
