// Starts a Node.js process ahead of need: does once what a function's start does, tells the launcher, and becomes the
// bootstrap, which waits on descriptor 3 for the function that it is to run.

import fs from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import "node:path";
import "node:stream";
import "node:url";
import "node:util";

const CONTROL = 3;
const BOOTSTRAP = "/var/runtime/bootstrap.mjs";

// Nobody listens at port 1. What matters is that everything has been loaded and run that makes a connection.
await new Promise((done) => net.connect(1, "127.0.0.1").setNoDelay(true).on("error", done));
createRequire(import.meta.url)("/var/runtime/rehearsal.cjs").handler({});

process.env.LAMBENT_BIND_FD = String(CONTROL);
process.argv[1] = BOOTSTRAP;
fs.writeSync(CONTROL, JSON.stringify({ Ready: { process: 0 } }));
await import(BOOTSTRAP);
