// The time that a Worker's own modules see, as it is set from outside. Import this before them.
const Real = globalThis.Date;
let standing = null;

/** From now on it is so many milliseconds; null for the runtime's own time. */
export function stand(ms) {
  standing = ms;
}

const now = () => standing ?? Real.now();
const Told = new Proxy(Real, {
  construct: (real, given, target) => Reflect.construct(real, given.length === 0 ? [now()] : given, target),
  apply: () => new Real(now()).toString(),
  get: (real, name) => (name === "now" ? now : Reflect.get(real, name)),
});
Object.defineProperty(Real.prototype, "constructor", { value: Told, writable: true, configurable: true });
globalThis.Date = Told;
Object.defineProperty(globalThis.performance, "now", { value: now, writable: true, configurable: true });
