// Cases by name, registered as test runners have it: `it`, hooks, and an `expect` for what these suites ask of one.
import assert from "node:assert";
import { isDeepStrictEqual } from "node:util";

// register(test) calls test.it(name, body) and the hooks; one Map of name to a function that runs the case with its hooks.
export function collected(register) {
  const cases = new Map();
  const before = [];
  const after = [];
  register({
    beforeEach: (hook) => before.push(hook),
    afterEach: (hook) => after.push(hook),
    it(name, body) {
      if (cases.has(name)) throw new Error(`two cases are named ${name}`);
      cases.set(name, async () => {
        for (const hook of before) await hook();
        const expected = { count: 0, planned: null };
        await body({ expect: expecting(expected) });
        for (const hook of after) await hook();
        if (expected.planned !== null) assert.equal(expected.count, expected.planned, "so many expectations were met");
      });
    },
  });
  return cases;
}

// Runs one case: null if it passes, or why not.
export async function failure(run) {
  try {
    await run();
    return null;
  } catch (error) {
    return String(error?.message ?? error).split("\n", 1)[0] || String(error);
  }
}

function expecting(expected) {
  const expect = (value) => {
    const check = (holds, words) => {
      expected.count += 1;
      assert.ok(holds, `${shown(value)} is not ${words}`);
    };
    return {
      toBe: (other) => check(Object.is(value, other), shown(other)),
      toEqual: (other) => check(isDeepStrictEqual(value, other), `equal to ${shown(other)}`),
      toBeTruthy: () => check(Boolean(value), "truthy"),
      toBeFalsy: () => check(!value, "falsy"),
      toBeNull: () => check(value === null, "null"),
      toBeDefined: () => check(value !== undefined, "defined"),
      toBeUndefined: () => check(value === undefined, "undefined"),
    };
  };
  expect.assertions = (count) => (expected.planned = count);
  return expect;
}

function shown(value) {
  if (value instanceof Error) return String(value);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
