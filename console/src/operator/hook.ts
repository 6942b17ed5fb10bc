/** A read-only view of the store for tests and for support: `window.__perisai`. */
import { geo } from '../live/geo.svelte';
import { live } from '../live/live.svelte';
import { selection } from './selection.svelte';
import { view } from './view.svelte';

export function publishHook(): void {
  const hook = {
    get version() {
      return live.version;
    },
    get state() {
      return live.state;
    },
    get source() {
      return live.source;
    },
    get first_us() {
      return live.first_us;
    },
    get newest_us() {
      return live.newest_us;
    },
    get mode() {
      return live.picture.mode;
    },
    get now_us() {
      return live.picture.now_us;
    },
    get tracks() {
      return [...live.picture.tracks.values()].map(({ id, lat, lon, status, threat, affiliation }) => ({
        id, lat, lon, status, threat, affiliation,
      })); // prettier-ignore
    },
    /** What partner nations give: id, state and how many tracks. */
    get partners() {
      return [...live.picture.partners.values()].map(({ id, state, tracks }) => ({ id, state, tracks: tracks.size }));
    },
    get alerts() {
      return [...live.picture.alerts.values()].map((alert) => ({ ...alert }));
    },
    /** How many areas are known, and their codes, the most populous first. */
    get areas() {
      return geo.areas.size;
    },
    get codes() {
      return [...geo.areas.values()].sort((a, b) => b.population - a.population).map((area) => area.code);
    },
    /** The name of an area in the page's language. */
    name: (code: string) => geo.name(code),
    /** Codes of the areas nearest to a place. */
    near: (lon: number, lat: number, count: number) => geo.nearest(lon, lat, count).map((area) => area.code),
    get settled() {
      return view.settled();
    },
    /** Milliseconds from the start of the page until its lists first showed the picture, 0 before. */
    get listed_ms() {
      return view.listed_ms;
    },
    /** The same for its map. */
    get drawn_ms() {
      return view.drawn_ms;
    },
    get selected() {
      return selection.current;
    },
  };
  Object.defineProperty(window, '__perisai', { value: Object.freeze(hook) });
}
