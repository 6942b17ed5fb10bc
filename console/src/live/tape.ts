/** What passed, kept for pause and rewind: ticks behind snapshots, the oldest forgotten when memory is full. */
import type { Tick } from './message';
import { Picture } from './picture';

interface Segment {
  /** The picture before the first tick of the segment; shares its tracks with the live one. */
  before: Picture;
  ticks: Tick[];
  bytes: number;
}

const SEGMENT_TICKS = 30;
const TRACK_BYTES = 46;
const ALERT_BYTES = 400;

export class Tape {
  /** Index of the oldest tick still held; indices only grow, so a position stays valid while it is held. */
  first = 0;
  private segments: Segment[] = [];
  private bytes = 0;

  constructor(private readonly budget_bytes = 64e6) {}

  /** Index after the newest tick. */
  get end(): number {
    return this.first + this.segments.reduce((sum, segment) => sum + segment.ticks.length, 0);
  }

  /** Time of the oldest picture that can be shown, µs; infinite when there is none. */
  get first_us(): number {
    return this.segments[0]?.ticks[0]?.now_us ?? Infinity;
  }

  /** Adds a tick that is about to be applied to `before`. */
  push(tick: Tick, before: Picture): void {
    let segment = this.segments.at(-1);
    if (!segment || segment.ticks.length >= SEGMENT_TICKS) {
      segment = { before: before.clone(), ticks: [], bytes: 0 };
      this.segments.push(segment);
    }
    const bytes = tick.tracks.id.length * TRACK_BYTES + tick.alerts.length * ALERT_BYTES + 200;
    segment.ticks.push(tick);
    segment.bytes += bytes;
    this.bytes += bytes;
    while (this.bytes > this.budget_bytes && this.segments.length > 1) {
      const oldest = this.segments.shift()!;
      this.first += oldest.ticks.length;
      this.bytes -= oldest.bytes;
    }
  }

  /** Forgets everything; the next index goes on from where it was. */
  clear(): void {
    this.first = this.end;
    this.segments = [];
    this.bytes = 0;
  }

  tick(index: number): Tick | null {
    const found = this.find(index);
    return found ? found.segment.ticks[found.offset]! : null;
  }

  /** The index of the newest tick at or before a time, at least the oldest held. */
  indexAt(at_us: number): number {
    let index = this.first;
    for (const { ticks } of this.segments) {
      for (const tick of ticks) {
        if (tick.now_us > at_us) return Math.max(this.first, index - 1);
        index += 1;
      }
    }
    return Math.max(this.first, index - 1);
  }

  /** The picture as it was after the tick of this index. */
  pictureAt(index: number): Picture | null {
    const found = this.find(index);
    if (!found) return null;
    const picture = found.segment.before.clone();
    for (const tick of found.segment.ticks.slice(0, found.offset + 1)) picture.apply(tick);
    return picture;
  }

  private find(index: number): { segment: Segment; offset: number } | null {
    let offset = index - this.first;
    if (offset < 0) return null;
    for (const segment of this.segments) {
      if (offset < segment.ticks.length) return { segment, offset };
      offset -= segment.ticks.length;
    }
    return null;
  }
}
