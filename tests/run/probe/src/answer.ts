// Does to KV what a request says, and tells what came of it.
import { VERSION } from "./version";

export interface Env {
  FLAGS: KV;
  TOKYO: KV;
}

interface KV {
  [method: string]: (...given: unknown[]) => Promise<unknown>;
}

interface Asked {
  binding: keyof Env;
  method: string;
  args: unknown[];
}

export async function answer(request: Request, env: Env): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/kv") return Response.json(await operate((await request.json()) as Asked, env));
  if (pathname === "/date") return new Response(String(Date.now()));
  if (pathname === "/version") return new Response(VERSION);
  if (pathname === "/colo") return new Response(String((request as unknown as { cf?: { colo?: string } }).cf?.colo));
  if (pathname === "/away") return new Response(null, { status: 302, headers: { Location: "/version" } });
  if (pathname === "/echo") return echo(request);
  return new Response("nothing here", { status: 404 });
}

export async function operate({ binding, method, args }: Asked, env: Env): Promise<unknown> {
  const kv = env[binding];
  try {
    if (method === "putStream") {
      const [key, text] = args as [string, string];
      return { value: (await kv.put(key, new Response(text).body)) ?? null };
    }
    if (method === "getStream") {
      return { value: await new Response((await kv.get(args[0], "stream")) as ReadableStream).text() };
    }
    const value = await kv[method](...args);
    return { value: value instanceof Map ? Object.fromEntries(value) : (value ?? null) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

// Through a stream of its own: wrangler reads the rest of a request's body by itself.
function echo(request: Request): Response {
  return new Response(request.body?.pipeThrough(new TransformStream()), { headers: { "X-Method": request.method } });
}
