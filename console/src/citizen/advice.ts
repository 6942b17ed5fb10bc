/** What to do, by level and threat: the general advice of civil protection, most urgent first. */
import type { Level, Threat } from '../live/message';
import type { Language } from '../shared/i18n.svelte';

interface Advice {
  shelter: string[];
  minutes: string[];
  ready: string[];
  calm: string[];
}

const ADVICE: Record<Language, Advice> = {
  en: {
    shelter: [
      'Go to a shelter, a cellar or the metro at once.',
      'If you cannot: go to a room without windows, with two walls between you and the street.',
      'Stay away from windows. Lie down and cover your head when you hear a blast.',
      'Stay until the all-clear.',
    ],
    minutes: [
      'There may be only seconds. Do not go outside.',
      'Go to the nearest cellar or inner room at once, away from windows.',
      'Outside: lie down in the nearest dip or behind a solid wall, cover your head.',
      'Stay until the all-clear.',
    ],
    ready: [
      'Know the way to your nearest shelter and keep it short.',
      'Take your phone, documents, water, medicine and warm clothes.',
      'Help those who need more time to get ready.',
    ],
    calm: ['Keep your phone charged and this page at hand.', 'Know your nearest shelter.'],
  },
  uk: {
    shelter: [
      'Негайно йдіть до укриття, підвалу або метро.',
      'Якщо не можете: перейдіть до приміщення без вікон, щоб між вами й вулицею було дві стіни.',
      'Тримайтеся далі від вікон. Почувши вибух, ляжте й прикрийте голову.',
      'Залишайтеся до відбою.',
    ],
    minutes: [
      'Можуть лишатися секунди. Не виходьте надвір.',
      'Негайно до найближчого підвалу чи внутрішньої кімнати, далі від вікон.',
      'Надворі: ляжте в найближчу заглибину або за міцну стіну, прикрийте голову.',
      'Залишайтеся до відбою.',
    ],
    ready: [
      'Згадайте найкоротший шлях до укриття.',
      'Візьміть телефон, документи, воду, ліки й теплий одяг.',
      'Допоможіть тим, кому потрібно більше часу.',
    ],
    calm: ['Тримайте телефон зарядженим, а цю сторінку напоготові.', 'Знайте своє найближче укриття.'],
  },
  id: {
    shelter: [
      'Segera ke tempat perlindungan atau ruang bawah tanah.',
      'Jika tidak bisa: masuk ke ruang tanpa jendela, dengan dua dinding antara Anda dan jalan.',
      'Jauhi jendela. Jika mendengar ledakan, tiarap dan lindungi kepala.',
      'Tetap di sana sampai bahaya dinyatakan berlalu.',
    ],
    minutes: [
      'Mungkin hanya ada beberapa detik. Jangan keluar.',
      'Segera ke ruang bawah tanah atau ruang dalam terdekat, jauh dari jendela.',
      'Di luar: tiarap di cekungan terdekat atau di balik dinding kokoh, lindungi kepala.',
      'Tetap di sana sampai bahaya dinyatakan berlalu.',
    ],
    ready: [
      'Ingat jalan terpendek ke tempat perlindungan.',
      'Siapkan ponsel, dokumen, air, obat, dan pakaian hangat.',
      'Bantu mereka yang perlu waktu lebih lama.',
    ],
    calm: ['Jaga agar ponsel terisi daya dan halaman ini siap dibuka.', 'Ketahui tempat perlindungan terdekat.'],
  },
};

export function adviceFor(level: Level | 'none', threat: Threat | null, language: Language): string[] {
  const advice = ADVICE[language];
  if (level === 'none') return advice.calm;
  if (level === 'watch') return advice.ready;
  return threat === 'ballistic' || threat === 'glide_bomb' ? advice.minutes : advice.shelter;
}
