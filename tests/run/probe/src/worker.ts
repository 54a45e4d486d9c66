import { answer, type Env } from "./answer";

declare const WebSocketPair: new () => [WebSocket, WebSocket & { accept(): void }];

export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    if (request.headers.get("Upgrade") === "websocket" && new URL(request.url).pathname === "/socket") return talk(env);
    return answer(request, env);
  },
};

// Each message is the name of a key; it is answered with what is read here.
function talk(env: Env): Response {
  const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket & { accept(): void }];
  server.accept();
  server.addEventListener("message", async ({ data }) => {
    if (data === "bye") server.close(4000, "so long");
    else server.send(typeof data === "string" ? String(await env.FLAGS.get(data)) : data);
  });
  return new Response(null, { status: 101, webSocket: client } as ResponseInit);
}
