/** The one store: the picture that is shown, how fresh it is, and where on the tape it stands. */
import { Picture } from './picture';
import type { Alert } from './picture';
import { connect, liveUrl } from './socket';
import type { Connection } from './socket';
import { Tape } from './tape';
import type { Tick } from './message';

/** A tick comes every second; after this long without one the picture counts as lost. */
const STALE_MS = 3_500;

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
  /** The index on the tape that is shown, or null: the newest. */
  position = $state<number | null>(null);
  playing = $state(false);
  /** Ticks a second when playing from the tape. */
  speed = $state(1);
  /** The span of the tape, as indices. */
  first = $state(0);
  end = $state(0);

  private newest = this.picture;
  private readonly tape = new Tape();
  private last_ms = 0;
  private connection: Connection | null = null;
  private player = 0;

  get state(): 'connecting' | 'live' | 'lost' {
    if (this.end === 0) return this.silence_s * 1000 > STALE_MS ? 'lost' : 'connecting';
    return this.open && this.silence_s * 1000 <= STALE_MS ? 'live' : 'lost';
  }

  start(): void {
    this.last_ms = performance.now();
    const opened = (open: boolean): void => void (this.open = open);
    this.connection ??= connect(liveUrl(window.location), (tick) => this.take(tick), opened);
    window.setInterval(() => {
      this.silence_s = Math.floor((performance.now() - this.last_ms) / 1000);
    }, 500);
  }

  take(tick: Tick): void {
    // A service that begins again at an earlier time has nothing in common with what was on the tape.
    if (tick.now_us < this.newest.now_us) {
      this.tape.clear();
      this.toLive();
    }
    this.tape.push(tick, this.newest);
    this.raised = this.newest.apply(tick);
    this.last_ms = performance.now();
    this.silence_s = 0;
    this.first = this.tape.first;
    this.end = this.tape.end;
    if (this.position === null) this.version += 1;
    else if (this.position < this.first) this.seek(this.first);
  }

  toLive(): void {
    this.pause();
    this.position = null;
    this.show(this.newest);
  }

  /** Shows the picture of an index on the tape. */
  seek(index: number): void {
    const picture = this.tape.pictureAt(index);
    if (!picture) return;
    this.position = index;
    this.show(picture);
  }

  /** Holds what is shown, or plays on from there. */
  toggle(): void {
    if (this.position === null) this.seek(this.end - 1);
    else if (this.playing) this.pause();
    else this.play();
  }

  play(speed = this.speed): void {
    this.pause();
    this.speed = speed;
    this.playing = true;
    this.player = window.setInterval(() => this.step(), 1000 / speed);
  }

  pause(): void {
    window.clearInterval(this.player);
    this.playing = false;
  }

  private step(): void {
    if (this.position === null) return;
    const tick = this.tape.tick(this.position + 1);
    if (!tick) return this.toLive();
    this.picture.apply(tick);
    this.position += 1;
    this.version += 1;
  }

  private show(picture: Picture): void {
    this.picture = picture;
    this.version += 1;
  }
}

export const live = new Live();
