/** An area drawn on the map by hand, point by point, to be alerted. */
class Drawing {
  active = $state(false);
  points = $state.raw<[number, number][]>([]);
  /** Codes chosen instead of a drawing. */
  codes = $state.raw<string[]>([]);

  start(): void {
    this.active = true;
    this.points = [];
    this.codes = [];
  }

  /** The form for areas already chosen: nothing to draw. */
  choose(codes: string[]): void {
    this.active = true;
    this.points = [];
    this.codes = codes;
  }

  add(lon: number, lat: number): void {
    if (this.codes.length === 0) this.points = [...this.points, [lon, lat]];
  }

  undo(): void {
    this.points = this.points.slice(0, -1);
  }

  stop(): void {
    this.active = false;
    this.points = [];
    this.codes = [];
  }

  get polygon(): GeoJSON.Polygon | null {
    if (this.points.length < 3) return null;
    return { type: 'Polygon', coordinates: [[...this.points, this.points[0]!]] };
  }
}

export const drawing = new Drawing();
