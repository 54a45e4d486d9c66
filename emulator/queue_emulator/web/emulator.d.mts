/** The emulator's controls for tests in JavaScript. Its address is QUEUE_EMULATOR_URL, else http://127.0.0.1:8787. */

/**
 * Speak to the emulator at this address from here on. `token` opens the controls of one on another machine: the value of
 * its EMULATOR_CONTROL_TOKEN, which is taken from a variable of this name if there is one.
 */
export function use(url: string | URL, options?: { token?: string }): void;

/**
 * The connection string of a Worker at a location, for `remoteProxyConnectionString`.
 * `at` puts bindings at other locations; `id` says which namespace a binding is, by default the one of its name.
 */
export function at(location: string, options?: { at?: Record<string, string>; id?: Record<string, string> }): URL;

export interface Clock {
  now: string;
  now_ms: number;
  offset_ms: number;
  frozen: boolean;
}

/** The emulator's clock; with a change, after it: set (ISO 8601 or milliseconds since 1970), then advance, then freeze. */
export function clock(change?: { set?: string | number; advance_s?: number; freeze?: boolean }): Promise<Clock>;

/** Move the clock forward: every expiry, copy, limit and quota follows. */
export function advance(seconds: number): Promise<Clock>;

/** Forget all data, faults, journal and counts, and show the machine's time again. */
export function reset(): Promise<{ keys: number; clock: Clock }>;

/** What runs there. */
export function status(): Promise<Record<string, unknown>>;

export interface FaultRule {
  /** fail_before: it does not happen. fail_after: it happens, and the Worker sees a failure. */
  verdict: "fail_before" | "fail_after" | "delay" | "drop_replication";
  /** Of a failure; 500 by default. */
  status?: 429 | 500 | 502 | 503 | 504;
  for_s?: number;
  to?: string;
  operation?: "get" | "get_bulk" | "put" | "delete" | "list";
  key_prefix?: string;
  location?: string;
  namespace?: string;
  /** Only the nth match; at most so many times; how often in percent. */
  nth?: number;
  times?: number;
  percent?: number;
}

export const faults: {
  add(rule: FaultRule): Promise<FaultRule & { id: number }>;
  list(): Promise<(FaultRule & { id: number; matched: number; given: number })[]>;
  remove(id: number): Promise<{ removed: number }>;
  clear(): Promise<unknown>;
};

/**
 * One key of one KV operation; times in milliseconds since 1970 on the emulator's clock. `workerVersion` where several
 * versions of the Worker answer. `stale`: a newer version was written before this read, and not seen.
 */
export interface Operation {
  position: number;
  id: number;
  asked_ms: number;
  begun_ms: number;
  done_ms: number;
  namespace?: string;
  location: string;
  invocation?: string;
  route: string;
  workerVersion?: string;
  operation: "get" | "get_bulk" | "put" | "delete" | "list";
  key: string;
  cacheStatus?: "HIT" | "MISS";
  age_ms?: number;
  version?: number;
  stale?: true;
  newerVersion?: number;
  keys?: number;
  failed?: string;
  faultRule?: number;
}

/** The KV operations after a position, oldest first. */
export function journal(options?: { after?: number }): Promise<Operation[]>;

/**
 * Have KV follow Vitest's fake timers: each operation sees the time that `vi` was set or advanced to, and the machine's
 * time once timers are real again. Any namespace of the Worker will do; all of them follow.
 */
export function follow(
  namespace: object,
  vi: { isFakeTimers(): boolean; getRealSystemTime(): number },
): void;
