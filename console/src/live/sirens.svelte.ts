/** What sirens say of themselves, asked for while somebody looks; the service keeps no record of it. */
export interface Siren {
  channel: string;
  area: string;
  name: string;
  state: 'on' | 'off' | 'lost' | 'silent';
  /** Whether it follows the order that stands for its area; null where it does not tell. */
  follows: boolean | null;
  fault: string;
  age_s: number | null;
}

export type SirenMark = 'on' | 'off' | 'fault' | 'lost';
/** The worst first: what an area with several sirens is marked as. */
export const SIREN_MARKS: readonly SirenMark[] = ['fault', 'lost', 'on', 'off'];

/** As it is drawn: what does not do as ordered is a fault, what is not heard from is lost. */
export function markOf({ state, follows, fault }: Siren): SirenMark {
  if (state === 'lost' || state === 'silent') return 'lost';
  return fault || follows === false ? 'fault' : state;
}

const EVERY_MS = 5_000;

class Sirens {
  rows = $state.raw<Siren[]>([]);
  /** Null before the first answer. */
  answered = $state<boolean | null>(null);
  private watchers = 0;
  private timer = 0;

  /** Keeps asking until what it returns is called. */
  watch(): () => void {
    if (this.watchers++ === 0) void this.ask();
    return () => {
      if (--this.watchers === 0) window.clearTimeout(this.timer);
    };
  }

  of(area: string): Siren[] {
    return this.rows.filter((siren) => siren.area === area);
  }

  private async ask(): Promise<void> {
    try {
      const response = await fetch('/api/v1/sirens');
      this.answered = response.ok;
      // Without an answer nobody knows: none is drawn rather than an old one.
      this.rows = response.ok ? ((await response.json()) as Siren[]) : [];
    } catch {
      this.answered = false;
      this.rows = [];
    }
    if (this.watchers > 0) this.timer = window.setTimeout(() => void this.ask(), EVERY_MS);
  }
}

export const sirens = new Sirens();
