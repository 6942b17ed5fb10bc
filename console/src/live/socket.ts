/** The one WebSocket: opens, reopens with growing waits, and says how it stands. */
import { decodeTick } from './message';
import type { Tick } from './message';

export interface Connection {
  close(): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

/** Calls `onTick` for each message and `onState` when the line opens or breaks, until closed. */
export function connect(url: string, onTick: (tick: Tick) => void, onState: (open: boolean) => void): Connection {
  let socket: WebSocket | null = null;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  let closed = false;

  const open = (): void => {
    socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      wait = FIRST_WAIT_MS;
      onState(true);
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      const tick = decodeTick(event.data);
      if (tick) onTick(tick);
    };
    socket.onclose = () => {
      onState(false);
      if (closed) return;
      timer = window.setTimeout(open, wait);
      wait = Math.min(wait * 1.6, LONGEST_WAIT_MS);
    };
  };

  open();
  return {
    close() {
      closed = true;
      window.clearTimeout(timer);
      socket?.close();
    },
  };
}

/** The address of the live picture on the server the page came from. */
export function liveUrl(location: Location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`;
}
