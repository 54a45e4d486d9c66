async (to) => {
  // What a page of another site can try with the controls at `to`, from a browser on the machine of the emulator.
  const tries = [], read = [];
  const attempt = (name, act) => tries.push((async () => act())().then((got) => { if (got) read.push(`${name}: ${got}`); }, () => {}));
  const text = async (answer) => (await answer).text();
  for (const control of ["reset", "clock", "keys/delete", "keys/import", "enqueue", "faults"]) {
    const body = '{"keys": ["precious"], "advance_s": 60}';
    attempt(`${control} no-cors`, () => text(fetch(`${to}/${control}`, { method: "POST", mode: "no-cors", body })));
    attempt(`${control} cors`, () => text(fetch(`${to}/${control}`, { method: "POST", headers: { "Content-Type": "application/json" }, body })));
    attempt(`${control} beacon`, () => { navigator.sendBeacon(`${to}/${control}`, body); });
  }
  for (const control of ["overview", "entries", "journal", "status"]) {
    attempt(`${control} read`, () => text(fetch(`${to}/${control}`)));
    attempt(`${control} script`, () => new Promise((loaded) => {
      const script = Object.assign(document.createElement("script"), { src: `${to}/${control}`, onload: () => loaded(""), onerror: () => loaded("") });
      document.head.append(script);
    }));
  }
  attempt("socket", () => new Promise((ended) => {
    const socket = new WebSocket(`${to.replace("http", "ws")}/overview`);
    socket.onopen = () => ended("opened"); socket.onerror = () => ended("");
  }));
  attempt("a frame", () => new Promise((ended) => {
    const frame = Object.assign(document.createElement("iframe"), { sandbox: "allow-scripts allow-forms" });
    frame.srcdoc = `<form method="post" enctype="text/plain" action="${to}/reset"><input name='{"a":"' value='"}'></form><script>document.forms[0].submit()</script>`;
    frame.onload = () => setTimeout(ended, 300, ""); document.body.append(frame);
  }));
  await Promise.all(tries);
  return { tried: tries.length, read };
}
