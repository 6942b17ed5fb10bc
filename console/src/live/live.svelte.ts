/** The one store: the picture, and how fresh it is. Components read `version` to follow the picture. */
import { Picture } from './picture';
import type { Alert } from './picture';
import { connect, liveUrl } from './socket';
import type { Connection } from './socket';
import type { Tick } from './message';

/** A tick comes every second; after this long without one the picture counts as lost. */
const STALE_MS = 3_500;

class Live {
  readonly picture = new Picture();
  /** Counts the ticks taken in; reading it makes a component follow the picture. */
  version = $state(0);
  open = $state(false);
  /** Seconds since the last tick, by this machine's clock. */
  silence_s = $state(0);
  /** Alarms that came with the last tick. */
  raised = $state.raw<Alert[]>([]);

  private last_ms = 0;
  private connection: Connection | null = null;

  get state(): 'connecting' | 'live' | 'lost' {
    if (this.version === 0) return this.silence_s * 1000 > STALE_MS ? 'lost' : 'connecting';
    return this.open && this.silence_s * 1000 <= STALE_MS ? 'live' : 'lost';
  }

  start(): void {
    this.last_ms = performance.now();
    this.connection ??= connect(liveUrl(window.location), (tick) => this.take(tick), (open) => (this.open = open));
    window.setInterval(() => {
      this.silence_s = Math.floor((performance.now() - this.last_ms) / 1000);
    }, 500);
  }

  take(tick: Tick): void {
    this.raised = this.picture.apply(tick);
    this.last_ms = performance.now();
    this.silence_s = 0;
    this.version += 1;
  }
}

export const live = new Live();
