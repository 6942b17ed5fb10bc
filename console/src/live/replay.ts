/** A replay from the service's recording: ticks of the past, from any time at any speed. */
import { decodeTick } from './message';
import type { Tick } from './message';

export interface Span {
  first_us: number;
  last_us: number;
  /** Areas under alarm in equal parts of the span. */
  alarms: number[];
}

/** What the service has on disk, or null while it has nothing, is away, or does not tell. */
export async function recordedSpan(): Promise<Span | null> {
  try {
    const response = await fetch('/api/v1/replay/');
    if (!response.ok) return null;
    const span = (await response.json()) as { [K in keyof Span]: Span[K] | null };
    return span.first_us === null ? null : (span as Span);
  } catch {
    return null;
  }
}

export class Replay {
  private socket: WebSocket | null = null;

  /** Calls `onTick` for each picture of the past; `onEnd` when the line breaks. */
  constructor(
    private readonly onTick: (tick: Tick) => void,
    private readonly onEnd: () => void,
  ) {}

  /** Goes to a time and on from there at a speed, 0 to hold. */
  goto(at_us: number, speed: number): void {
    if (this.socket?.readyState === WebSocket.OPEN) return this.order({ at_us, speed });
    this.close();
    const { protocol, host } = window.location;
    const made = new WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}/api/v1/replay/live?at_us=${at_us}&speed=${speed}`);
    made.binaryType = 'arraybuffer';
    made.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      const tick = decodeTick(event.data);
      if (tick && made === this.socket) this.onTick(tick);
    };
    made.onclose = () => {
      if (made !== this.socket) return;
      this.socket = null;
      this.onEnd();
    };
    this.socket = made;
  }

  setSpeed(speed: number): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.order({ speed });
  }

  close(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private order(order: { at_us?: number; speed: number }): void {
    this.socket?.send(JSON.stringify(order));
  }
}
