/** The state of one community, asked for again and again; nothing about the asker is sent but its code. */
import type { Level, Mode, Threat } from '../live/message';

export interface Named {
  code: string;
  name: string;
  names: Record<string, string>;
}

export interface Neighbour extends Named {
  level: Level | 'none';
}

export interface PlaceState extends Neighbour {
  threat: Threat | null;
  eta_s: number | null;
  since_us: number | null;
  mode: Mode;
  now_us: number;
  neighbours: Neighbour[];
}

const MODE = '/api/v1/public/mode';
const API = '/api/v1/public/areas';
const STORED = 'perisai.place';
const CLOSE_MS = 4_000;
const CALM_MS = 8_000;
const HIDDEN_MS = 30_000;
const TIMEOUT_MS = 8_000;
const OLD_MS = 25_000;

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.json()) as T;
}

export const searchAreas = (text: string): Promise<Named[]> => ask(`${API}?q=${encodeURIComponent(text)}`);
export const areasAt = (lat: number, lon: number): Promise<Named[]> => ask(`${API}?lat=${lat}&lon=${lon}`);

class Place {
  /** Told from the first moment on, that an exercise is one. */
  mode = $state<Mode>('actual');
  code = $state<string | null>(null);
  state = $state.raw<PlaceState | null>(null);
  /** Milliseconds since the last answer, or since the place was chosen. */
  age_ms = $state(0);
  /** When an alert here ended while this page was watching, ms since 1970 of the service's time. */
  ended_ms = $state<number | null>(null);

  /** Whether the last question went without an answer. */
  failed = $state(false);

  private answered_at = 0;
  private timer = 0;

  get old(): boolean {
    return this.failed || this.age_ms > OLD_MS;
  }

  start(): void {
    const code = new URLSearchParams(location.search).get('area') ?? localStorage.getItem(STORED);
    if (code) this.choose(code);
    else void ask<{ mode: Mode }>(MODE).then(({ mode }) => (this.mode = mode), () => undefined);
    window.setInterval(() => (this.age_ms = this.code ? performance.now() - this.answered_at : 0), 1000);
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.code) void this.refresh();
    });
  }

  choose(code: string): void {
    this.code = code;
    this.state = null;
    this.ended_ms = null;
    this.failed = false;
    this.answered_at = performance.now();
    this.age_ms = 0;
    localStorage.setItem(STORED, code);
    history.replaceState(null, '', `?area=${encodeURIComponent(code)}`);
    void this.refresh();
  }

  forget(): void {
    window.clearTimeout(this.timer);
    this.code = this.state = null;
    localStorage.removeItem(STORED);
    history.replaceState(null, '', location.pathname);
  }

  private async refresh(): Promise<void> {
    window.clearTimeout(this.timer);
    const code = this.code;
    if (!code) return;
    try {
      const answer = await ask<PlaceState>(`${API}/${encodeURIComponent(code)}`);
      if (code === this.code) this.take(answer);
    } catch (error) {
      // An unknown code (a region that changed) asks for the place again; anything else is a lost line: the age says so.
      if (error instanceof Error && error.message === '404' && code === this.code) return this.forget();
      this.failed = code === this.code;
    }
    const wait = document.hidden ? HIDDEN_MS : this.state?.level === 'none' ? CALM_MS : CLOSE_MS;
    if (code === this.code) this.timer = window.setTimeout(() => void this.refresh(), wait);
  }

  private take(answer: PlaceState): void {
    const before = this.state?.level ?? 'none';
    if (answer.level !== 'none') this.ended_ms = null;
    else if (before !== 'none') this.ended_ms = answer.now_us / 1000;
    if (answer.level === 'alarm' && before !== 'alarm' && navigator.userActivation?.hasBeenActive) navigator.vibrate?.([400, 200, 400, 200, 400]);
    this.state = answer;
    this.mode = answer.mode;
    this.failed = false;
    this.answered_at = performance.now();
    this.age_ms = 0;
  }
}

export const place = new Place();
