import { answer, type Env } from "../src/answer";

export const onRequest = ({ request, env }: { request: Request; env: Env }) => answer(request, env);
