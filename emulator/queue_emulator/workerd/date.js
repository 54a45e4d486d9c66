// An expression: it puts in the place of Date one that shows another time, and gives the function that says which. That
// tells whether anybody has looked at the time since it was said before.
// Whole lines of comments only: where there are no modules, all of it becomes one line.
(() => {
  const Real = Date;
  const realNow = Real.now.bind(Real);
  let offset_ms = 0;
  let stands_ms = null;
  let looked = false;
  const now = () => {
    looked = true;
    return stands_ms ?? realNow() + offset_ms;
  };
  const Shown = new Proxy(Real, {
    apply: () => new Real(now()).toString(),
    construct: (target, given, made) =>
      Reflect.construct(target, given.length > 0 ? given : [now()], made === Shown ? Real : made),
  });
  Real.now = now;
  Real.prototype.constructor = Shown;
  globalThis.Date = Shown;
  return (told) => {
    const since = looked;
    looked = false;
    ({ offset_ms, stands_ms } = JSON.parse(told));
    return since;
  };
})()
