// Starts a Node.js process ahead of need: loads what the bootstrap needs, tells the launcher, and becomes the
// bootstrap, which waits on descriptor 3 for the function that it is to run.

import fs from "node:fs";
import "node:module";
import "node:net";
import "node:path";
import "node:stream";
import "node:url";
import "node:util";

process.env.LAMBENT_BIND_FD = "3";
process.argv[1] = "/var/runtime/bootstrap.mjs";
fs.writeSync(3, JSON.stringify({ Ready: { process: 0 } }));
await import("/var/runtime/bootstrap.mjs");
