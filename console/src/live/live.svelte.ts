/** The one store: the picture that is shown, how fresh it is, and which time of the night it shows. */
import { Picture } from './picture';
import type { Alert } from './picture';
import { recordedSpan, Replay } from './replay';
import { connect, liveUrl } from './socket';
import type { Span } from './replay';
import type { Connection } from './socket';
import { Tape } from './tape';
import type { Tick } from './message';

/** A tick comes every second; after this long without one the picture counts as lost. */
const STALE_MS = 3_500;
const PLAY_MS = 250;
const SPAN_MS = 30_000;

class Live {
  /** The picture on show: the newest, or one of the past. */
  picture = $state.raw(new Picture());
  /** Counts the changes of the shown picture; reading it makes a component follow. */
  version = $state(0);
  open = $state(false);
  /** Seconds since the last tick, by this machine's clock. */
  silence_s = $state(0);
  /** Alarms that came with the last tick, whatever is on show. */
  raised = $state.raw<Alert[]>([]);
  /** What is shown: the newest picture, one of those this page has seen, or one from the service's recording. */
  source = $state<'now' | 'tape' | 'disk'>('now');
  playing = $state(false);
  /** Times as fast as it was. */
  speed = $state(1);
  /** The time that can be gone back to, and the newest, µs; 0 before the first tick. */
  first_us = $state(0);
  newest_us = $state(0);
  /** What the service has recorded, as asked last. */
  recorded = $state.raw<Span | null>(null);
  /** Counts the ticks taken in, also those that leave the time where it is; reading it makes a component follow `newest`. */
  taken = $state(0);
  /** The newest picture, whatever is on show. */
  newest = new Picture();

  private readonly tape = new Tape();
  private readonly replay = new Replay(
    (tick) => this.takeReplayed(tick),
    () => this.toLive(),
  );
  private position = 0;
  private clock_us = 0;
  private last_ms = 0;
  private connection: Connection | null = null;
  private player = 0;

  constructor() {
    this.picture = this.newest;
  }

  get state(): 'connecting' | 'live' | 'lost' {
    if (this.newest_us === 0) return this.silence_s * 1000 > STALE_MS ? 'lost' : 'connecting';
    return this.open && this.silence_s * 1000 <= STALE_MS ? 'live' : 'lost';
  }

  get past(): boolean {
    return this.source !== 'now';
  }

  start(): void {
    this.last_ms = performance.now();
    const opened = (open: boolean): void => {
      this.open = open;
      if (open) void this.askSpan();
    };
    window.setInterval(() => void this.askSpan(), SPAN_MS);
    this.connection ??= connect(liveUrl(window.location), (tick) => this.take(tick), opened);
    window.setInterval(() => {
      this.silence_s = Math.floor((performance.now() - this.last_ms) / 1000);
    }, 500);
  }

  take(tick: Tick): void {
    // A service that begins again at an earlier time has nothing in common with what was on the tape.
    if (tick.now_us < this.newest.now_us) {
      this.tape.clear();
      this.first_us = 0;
      this.toLive();
    }
    this.tape.push(tick, this.newest);
    this.raised = this.newest.apply(tick);
    this.last_ms = performance.now();
    this.silence_s = 0;
    this.newest_us = tick.now_us;
    this.taken += 1;
    if (this.first_us === 0 && tick.now_us > 0) this.first_us = tick.now_us;
    if (this.source === 'now') this.version += 1;
    else if (this.source === 'tape' && this.position < this.tape.first) this.seek(this.tape.first_us);
  }

  toLive(): void {
    this.pause();
    this.replay.close();
    this.source = 'now';
    this.show(this.newest);
  }

  /** Shows the picture of a time; plays on from there if it was playing. */
  seek(at_us: number): void {
    this.clock_us = Math.min(Math.max(at_us, this.first_us), this.newest_us);
    if (this.clock_us < this.tape.first_us) {
      window.clearInterval(this.player);
      this.source = 'disk';
      this.replay.goto(this.clock_us, this.playing ? this.speed : 0);
      return;
    }
    this.replay.close();
    this.position = this.tape.indexAt(this.clock_us);
    const picture = this.tape.pictureAt(this.position);
    if (!picture) return;
    this.source = 'tape';
    this.show(picture);
    if (this.playing) this.play();
  }

  /** Holds what is shown, or plays on from there. */
  toggle(): void {
    if (!this.past) this.seek(this.newest_us);
    else if (this.playing) this.pause();
    else this.play();
  }

  play(speed = this.speed): void {
    this.pause();
    this.speed = speed;
    this.playing = true;
    if (this.source === 'disk') this.replay.setSpeed(speed);
    else this.player = window.setInterval(() => this.step(), PLAY_MS);
  }

  pause(): void {
    window.clearInterval(this.player);
    if (this.source === 'disk') this.replay.setSpeed(0);
    this.playing = false;
  }

  /** Asks again how far back the recording reaches. */
  async askSpan(): Promise<void> {
    const span = await recordedSpan();
    this.recorded = span;
    if (span && span.first_us < (this.newest_us || Infinity)) this.first_us = span.first_us;
  }

  private step(): void {
    if (this.source !== 'tape') return;
    this.clock_us += this.speed * PLAY_MS * 1000;
    let changed = false;
    for (;;) {
      const tick = this.tape.tick(this.position + 1);
      if (!tick) return this.toLive();
      if (tick.now_us > this.clock_us) break;
      this.picture.apply(tick);
      this.position += 1;
      changed = true;
    }
    if (changed) this.version += 1;
  }

  private takeReplayed(tick: Tick): void {
    if (this.source !== 'disk') return;
    // From here on this page has seen it itself.
    if (tick.now_us >= this.tape.first_us) return this.seek(tick.now_us);
    this.clock_us = tick.now_us;
    if (tick.full) this.picture = new Picture();
    this.picture.apply(tick);
    this.version += 1;
  }

  private show(picture: Picture): void {
    this.picture = picture;
    this.version += 1;
  }
}

export const live = new Live();
