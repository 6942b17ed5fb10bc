/** The ground of the picture: areas and outlines, fetched once and tried again until they come. */
import { indexAreas } from '../map/areas';
import type { Area } from '../map/areas';
import { bounds, contains } from '../map/geometry';
import { nameIn } from '../shared/i18n.svelte';

const RETRY_MS = 2_000;
/** Among so many nearest areas is the one that holds a place. */
const NEIGHBOURS = 12;
const NOTHING: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

async function fetchCollection(path: string): Promise<GeoJSON.FeatureCollection> {
  for (;;) {
    try {
      const response = await fetch(path);
      if (response.ok) return (await response.json()) as GeoJSON.FeatureCollection;
      if (response.status === 404) return NOTHING;
    } catch {
      // The service is not there yet; the connection state already says so.
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

class Geo {
  areas = $state.raw(new Map<string, Area>());
  outlines = $state.raw(new Map<string, Area>());
  areasCollection = $state.raw(NOTHING);
  outlinesCollection = $state.raw(NOTHING);

  async start(): Promise<void> {
    await Promise.all([
      fetchCollection('/api/v1/areas.geojson').then((collection) => {
        this.areas = indexAreas(collection);
        this.areasCollection = collection;
      }),
      fetchCollection('/api/v1/outlines.geojson').then((collection) => {
        this.outlines = indexAreas(collection);
        this.outlinesCollection = collection;
      }),
    ]);
  }

  /** West, south, east, north of the region. */
  get bounds(): [number, number, number, number] | null {
    return bounds(this.outlinesCollection) ?? bounds(this.areasCollection);
  }

  name(code: string): string {
    const area = this.areas.get(code) ?? this.outlines.get(code);
    return area ? nameIn(area.properties) || code : code;
  }

  /** The areas whose middles are nearest to a place. */
  nearest(lon: number, lat: number, count: number): Area[] {
    const far = ([x, y]: [number, number]): number => Math.hypot((x - lon) * Math.cos((lat * Math.PI) / 180), y - lat);
    return [...this.areas.values()].sort((a, b) => far(a.centre) - far(b.centre)).slice(0, count);
  }

  /** The code of the area that holds a place, or else of the one whose middle is nearest; '' before there are any. */
  at(lon: number, lat: number): string {
    const near = this.nearest(lon, lat, NEIGHBOURS);
    return (near.find(({ feature }) => contains(feature.geometry, lon, lat)) ?? near[0])?.code ?? '';
  }

  private readonly parents = new Map<string, string>();

  /** The name of the outline it lies in, or ''. */
  parentName(code: string): string {
    const area = this.areas.get(code);
    if (!area || this.outlines.size === 0) return '';
    let parent = this.parents.get(code);
    if (parent === undefined) {
      const holds = [...this.outlines.values()].find((outline) => contains(outline.feature.geometry, ...area.centre));
      parent = holds?.code ?? '';
      this.parents.set(code, parent);
    }
    return parent ? this.name(parent) : '';
  }
}

export const geo = new Geo();
