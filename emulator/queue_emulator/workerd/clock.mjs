// The time that a Worker's own modules see, as it is set from outside. Import this before them. DATE is what date.js has.
const tell = DATE;

/** From now on it is so many milliseconds. */
export function stand(ms) {
  tell(JSON.stringify({ offset_ms: 0, stands_ms: ms }));
}

Object.defineProperty(performance, "now", { value: () => Date.now(), writable: true, configurable: true });
