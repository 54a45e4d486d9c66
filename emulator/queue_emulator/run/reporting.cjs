// What the preload tells the emulator: one line of JSON an event, on a socket that holds no process alive.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");

// `name` is what the emulator knows this process by. `say(event)` sends a line, and returns it; the connection's end tells the emulator that this process is gone.
function connect(socket, name) {
  const connection = net.connect(socket);
  connection.unref();
  connection.on("error", () => {}); // the emulator is gone: it ends this process by itself
  const who = { process: name, tool: tool() };
  return (event) => {
    const line = JSON.stringify({ ...who, ...event }) + "\n";
    connection.write(line);
    return line;
  };
}

// Name and version of the package whose command this process runs, such as "wrangler 4.164.0"; else its file's name.
function tool() {
  const script = process.argv[1];
  if (!script) return "node";
  let file = script;
  try {
    file = fs.realpathSync(script);
  } catch {
    return path.basename(script);
  }
  const found = file.includes(`${path.sep}node_modules${path.sep}`) ? packageOf(file) : undefined;
  return found ? `${found.name} ${found.version}` : path.basename(file);
}

// The package.json that a file belongs to.
function packageOf(file) {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const found = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
      if (found.name && found.version) return found;
    } catch {} // there is none here, or it is no package's
  }
  return undefined;
}

module.exports = { connect, packageOf };
