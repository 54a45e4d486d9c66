import { cloudflare } from "@cloudflare/vite-plugin";

export default { plugins: [cloudflare()], cacheDir: ".vite", server: { strictPort: true, host: "127.0.0.1" } };
