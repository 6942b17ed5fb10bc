/** The sound and the spoken word of a new alarm. */
import { i18n } from '../shared/i18n.svelte';

const TONES_HZ = [880, 660, 880];
const TONE_S = 0.16;
const VOICES = { uk: 'uk-UA', en: 'en-GB', id: 'id-ID' };

let audio: AudioContext | null = null;

/** Three short tones. A browser allows none before the operator has touched the page. */
export function sound(): void {
  if (!navigator.userActivation.hasBeenActive) return;
  audio ??= new AudioContext();
  void audio.resume();
  const start = audio.currentTime + 0.02;
  TONES_HZ.forEach((frequency, i) => {
    const tone = audio!.createOscillator();
    const level = audio!.createGain();
    tone.frequency.value = frequency;
    level.gain.setValueAtTime(0.2, start + i * TONE_S);
    level.gain.exponentialRampToValueAtTime(0.001, start + (i + 1) * TONE_S);
    tone.connect(level).connect(audio!.destination);
    tone.start(start + i * TONE_S);
    tone.stop(start + (i + 1) * TONE_S);
  });
}

/** Says the words after what is being said; what is older than that is dropped. */
export function speak(words: string): void {
  if (!('speechSynthesis' in window)) return;
  speechSynthesis.cancel();
  const utterance = new SpeechSynthesisUtterance(words);
  utterance.lang = VOICES[i18n.language];
  speechSynthesis.speak(utterance);
}
