// Each line of the console begins with SIGN, which says at which location it was written: the runtime does not.
for (const name of ["debug", "error", "info", "log", "warn"]) {
  const write = console[name].bind(console);
  console[name] = (first, ...others) => {
    if (typeof first === "string") write(`${SIGN} ${first}`, ...others);
    else if (first === undefined && others.length === 0) write(SIGN);
    else write(SIGN, first, ...others);
  };
}
