/** The sensors: where they stand and how far they reach, fetched once; their health comes with the picture. */
export type SensorKind = 'radar2d' | 'radar3d' | 'modes' | 'remote_id' | 'position' | 'bearing' | 'presence';

export interface SensorPlace {
  id: string;
  kind: SensorKind;
  lat: number;
  lon: number;
  owner: string;
  max_range_m: number | null;
}

class Sensors {
  places = $state.raw<SensorPlace[]>([]);

  async start(): Promise<void> {
    for (;;) {
      try {
        const response = await fetch('/api/v1/sensors');
        if (response.ok) {
          this.places = (await response.json()) as SensorPlace[];
          return;
        }
      } catch {
        // Asked again below; the connection state tells that the line is lost.
      }
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    }
  }
}

export const sensors = new Sensors();
