/** Layers of partners: their names from the service, each fetched when it is first wanted. */
class Layers {
  names = $state.raw<string[]>([]);
  wanted = $state.raw<ReadonlySet<string>>(new Set());
  /** Those that are there, by name. */
  drawn = $state.raw(new Map<string, GeoJSON.FeatureCollection>());

  async start(): Promise<void> {
    const response = await fetch('/api/v1/layers/').catch(() => null);
    if (response?.ok) this.names = (await response.json()) as string[];
  }

  async toggle(name: string): Promise<void> {
    const wanted = new Set(this.wanted);
    if (!wanted.delete(name)) wanted.add(name);
    this.wanted = wanted;
    if (this.drawn.has(name)) return;
    const response = await fetch(`/api/v1/layers/${encodeURIComponent(name)}`).catch(() => null);
    if (response?.ok) this.drawn = new Map(this.drawn).set(name, (await response.json()) as GeoJSON.FeatureCollection);
  }

  get collection(): GeoJSON.FeatureCollection {
    const features = [...this.wanted].flatMap((name) => this.drawn.get(name)?.features ?? []);
    return { type: 'FeatureCollection', features };
  }
}

export const layers = new Layers();
