// The time that a Worker's own modules see, as it is set from outside. Import this before them. DATE is what date.js has.
const tell = DATE;

let shown_ms = 0;

/** From now on it is so many milliseconds. Whether the Worker has looked at the time since this or `looked` was asked. */
export function stand(ms) {
  shown_ms = ms;
  return looked();
}

/** Whether it has, since that was asked before. */
export function looked() {
  return tell(JSON.stringify({ offset_ms: 0, stands_ms: shown_ms }));
}

Object.defineProperty(performance, "now", { value: () => Date.now(), writable: true, configurable: true });
