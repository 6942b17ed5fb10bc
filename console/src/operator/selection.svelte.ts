/** What is selected: one track or one area, the same in the map and in every list. */
import type { Target } from '../map/selected';
import { view } from './view.svelte';

class Selection {
  current = $state.raw<Target>(null);
  /** Counts the times the map is asked to go to what is selected. */
  goto = $state(0);

  track(id: number, go = false): void {
    view.details();
    this.current = { kind: 'track', id };
    if (go) this.goto += 1;
  }

  /** `beside`: the panel that lies over the details stays. */
  area(code: string, go = false, beside = false): void {
    if (!beside) view.details();
    this.current = { kind: 'area', code };
    if (go) this.goto += 1;
  }

  clear(): void {
    this.current = null;
  }

  get trackId(): number | null {
    return this.current?.kind === 'track' ? this.current.id : null;
  }

  get areaCode(): string | null {
    return this.current?.kind === 'area' ? this.current.code : null;
  }
}

export const selection = new Selection();
