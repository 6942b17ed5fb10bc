/** What the service knows beyond the picture about what is selected: a track's history, an area's timeline. */
import type { AlertMessage, Threat } from '../live/message';
import { live } from '../live/live.svelte';
import type { Target } from '../map/selected';

export interface HistoryPoint {
  time_us: number;
  lat: number;
  lon: number;
  alt_m: number;
  /** Probability of each class, in the order of THREATS. */
  classes: number[];
}

export interface TrackRow {
  track: number;
  existence: number | null;
  status: string | null;
  address: string | null;
  sensors: string[] | null;
  flags: string[] | null;
  p_drone: number | null;
  p_cruise: number | null;
  p_ballistic: number | null;
  p_glide_bomb: number | null;
  p_aircraft: number | null;
  p_other: number | null;
}

export interface TrackHistory {
  track: TrackRow;
  neutral: boolean;
  history: HistoryPoint[];
  /** Where it is foreseen to come, the likeliest first. */
  forecasts: Forecast[];
}

export interface Forecast {
  track: number;
  area?: string;
  probability: number;
  eta_s: number | null;
  eta_low_s: number | null;
  eta_high_s: number | null;
  threat: Threat | null;
}

export interface Timeline {
  code: string;
  alerts: AlertMessage[];
  forecasts: Forecast[];
  now_us: number;
}

const REFRESH_MS = 4_000;

/** What is asked of the past is answered with what was known then. */
function address(target: NonNullable<Target>): string {
  const path = target.kind === 'track' ? `tracks/${target.id}/history` : `areas/${encodeURIComponent(target.code)}/timeline`;
  return live.past ? `/api/v1/replay/${path}?at_us=${Math.round(live.picture.now_us)}` : `/api/v1/${path}`;
}

class Detail {
  track = $state.raw<TrackHistory | null>(null);
  area = $state.raw<Timeline | null>(null);
  private target: Target = null;
  private key = '';
  private timer = 0;

  follow(target: Target): void {
    const key = target ? `${target.kind} ${target.kind === 'track' ? target.id : target.code}` : '';
    if (key === this.key) return;
    this.target = target;
    this.key = key;
    this.track = null;
    this.area = null;
    window.clearTimeout(this.timer);
    if (target) void this.load(target, key);
  }

  /** Asks at once: what was read last no longer goes with the picture. */
  again(): void {
    if (this.target && (this.area || this.track)) void this.load(this.target, this.key);
  }

  private async load(target: NonNullable<Target>, key: string): Promise<void> {
    try {
      const response = await fetch(address(target));
      const answer: unknown = response.ok ? await response.json() : null;
      if (key !== this.key) return;
      // A track that left the picture keeps the history that was read last.
      if (answer && target.kind === 'track') this.track = answer as TrackHistory;
      else if (answer) this.area = answer as Timeline;
    } catch {
      // A lost line is told by the connection state; what was read last stays.
    }
    if (key !== this.key) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.load(target, key), REFRESH_MS);
  }
}

export const detail = new Detail();
