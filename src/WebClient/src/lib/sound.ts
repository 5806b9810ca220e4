/** Soft and short, each of its own: hertz, and seconds from the beginning. */
const melodies = {
  mention: [[659, 0], [880, 0.13]],
  whisper: [[587, 0], [494, 0.13]],
  message: [[523, 0]],
} as const;
export type Sound = keyof typeof melodies;

const loudness = 0.07;
const lasts = 0.35;
let context: AudioContext | null = null;

/** Made, not loaded. Before the reader has touched the page the browser plays nothing: then it is not heard later either. */
export function play(sound: Sound): void {
  if (typeof AudioContext !== 'function') return;
  context ??= new AudioContext();
  const heard = context;
  if (heard.state !== 'running') {
    void heard.resume().catch(() => undefined);
    return;
  }
  for (const [pitch, after] of melodies[sound]) {
    const [tone, volume] = [heard.createOscillator(), heard.createGain()];
    const from = heard.currentTime + after;
    tone.type = 'sine';
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(loudness, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + lasts);
    tone.connect(volume).connect(heard.destination);
    tone.start(from);
    tone.stop(from + lasts);
  }
}
