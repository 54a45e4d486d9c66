// One line on the console for each finished run of the Worker: where it ran, for which request, what it logged and what
// escaped it. Only a tail knows the location: https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/
const shown = (part) => (typeof part === "string" ? part : JSON.stringify(part));

export default {
  tail(runs, env, ctx) {
    for (const { event, exceptions, logs } of runs) {
      const run = {
        location: ctx.props.location,
        ray: event?.request?.headers?.["cf-ray"],
        logs: logs.map(({ message }) => [].concat(message).map(shown).join(" ")),
        exceptions: exceptions.map(({ name, message, stack }) => ({ name, message, stack })),
      };
      console.log(ctx.props.mark + JSON.stringify(run));
    }
  },
};
