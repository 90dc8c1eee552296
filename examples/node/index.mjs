// Streams its answer: the caller has the first line long before the last one is made.

import { setTimeout as pause } from "node:timers/promises";

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  for (let number = 1; number <= event.lines; number++) {
    stream.write(`line ${number} of ${event.lines}\n`);
    await pause(event.pause_ms ?? 100);
  }
  stream.end();
});
