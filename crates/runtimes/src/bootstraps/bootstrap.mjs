// Runs a Node.js handler against the Lambda Runtime API.
//
// Behaves as AWS's runtime interface client for Node.js (error types and texts, console, context, callbacks, response
// streaming): up to nodejs22.x as its version 3 does, from nodejs24.x on as version 4 (no callbacks; an uncaught
// exception ends the process). It reads all it needs from the environment: _HANDLER, AWS_LAMBDA_RUNTIME_API,
// LAMBDA_TASK_ROOT, NODE_PATH, AWS_EXECUTION_ENV, AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL and the variables that
// the context shows.
//
// Ahead of need it can be started blank: with LAMBENT_BIND_FD=n it warms up and waits for one line of JSON on file
// descriptor n, {"env": {NAME: VALUE, ...}, "cwd": PATH}. It replaces its environment with `env`, goes to `cwd`,
// closes the descriptor and runs. When the descriptor ends without a line, it exits with status 0. NODE_OPTIONS, LANG
// and LD_* act only when a process is started, so a function that sets them cannot use a blank one.
//
// A log message of several lines is written as one line with "\r" between them, so that it stays one event.

import fs from "node:fs";
import Module, { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import { format, types } from "node:util";

const require = createRequire(import.meta.url);

const CALLBACKS_REMOVED =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
  "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
  "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";

/** Whether the function's runtime is nodejs24.x or later. */
let isModern = false;

// --- Errors ----------------------------------------------------------------------------------------------------------

class RuntimeFault extends Error {
  constructor(type, message) {
    super(message);
    Object.defineProperty(this, "name", { value: `Runtime.${type}` });
    // The name was not set yet when the stack was taken.
    this.stack = this.stack.replace(/^Error/, this.name);
  }
}

function isError(value) {
  return types.isNativeError(value) || ["name", "message", "stack"].every((key) => value?.[key] && typeof value[key] === "string");
}

const escapeDelete = (text) => text?.replaceAll("\x7F", "%7F");

/** The document that reports an error. */
function describeError(error) {
  try {
    if (isError(error)) {
      return {
        errorType: escapeDelete(error.name),
        errorMessage: escapeDelete(error.message),
        trace: escapeDelete(error.stack)?.split("\n") ?? [],
      };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    const errorMessage = "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";
    return { errorType: "handled", errorMessage, trace: [] };
  }
}

function serialize(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? "null";
  } catch {
    const text = "Unable to stringify response body";
    throw isModern ? new RuntimeFault("JSONStringifyError", text) : new Error(text);
  }
}

// --- Console ---------------------------------------------------------------------------------------------------------

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
let requestId;
let tenantId;
let jsonLogs = false;

function writeLine(line) {
  process.stdout.write(line.replaceAll("\n", "\r") + "\n");
}

const splitStack = (error) => (typeof error.stack === "string" ? error.stack.split("\n") : error.stack);

function jsonField(_key, value) {
  if (!(value instanceof Error)) return value;
  const errorType = value.constructor?.name ?? "UnknownError";
  return { errorType, errorMessage: value.message, stackTrace: splitStack(value), ...value };
}

/** The request id as log lines show it; there is none while the function initializes. */
const shownRequestId = () => requestId ?? (isModern ? "-" : undefined);

function formatJson(level, message, ...params) {
  const record = { timestamp: new Date().toISOString(), level, requestId: shownRequestId() };
  if (tenantId) record.tenantId = tenantId;
  if (params.length === 0) {
    record.message = message;
    try {
      return JSON.stringify(record, jsonField);
    } catch {
      record.message = format(message);
      return JSON.stringify(record);
    }
  }
  record.message = format(message, ...params);
  const error = [message, ...params].find((param) => param instanceof Error);
  if (error) {
    record.errorType = error.constructor?.name ?? "UnknownError";
    record.errorMessage = error.message;
    record.stackTrace = splitStack(error) ?? [];
  }
  return JSON.stringify(record);
}

function patchConsole() {
  jsonLogs = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  const least = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  LEVELS.forEach((level, priority) => {
    const text = (...params) => `${new Date().toISOString()}\t${shownRequestId()}\t${level}\t${format(...params)}`;
    const write = jsonLogs ? (...params) => writeLine(formatJson(level, ...params)) : (...params) => writeLine(text(...params));
    console[level.toLowerCase()] = priority >= least ? write : () => {};
  });
  console.log = console.info;
}

/** Logs an error of the platform's view of the function: its own `title`, and all that the error carries. */
function logError(title, error) {
  const logged = error instanceof Error ? error : new Error(error);
  if (jsonLogs) {
    console.error(logged);
    return;
  }
  const visit = (_key, value) => {
    if (!(value instanceof Error)) return value;
    const { name, message, code } = value;
    return { errorType: name, errorMessage: message, code, ...value, stack: splitStack(value) };
  };
  let text;
  try {
    text = JSON.stringify(logged, visit);
  } catch {
    text = JSON.stringify(describeError(logged));
  }
  console.error(title, `\t${text}`);
}

// --- Runtime API -----------------------------------------------------------------------------------------------------

const BASE = "/2018-06-01/runtime";
const asHeader = (text) => String(text).replace(/[^\x20-\x7e]/g, "?");

/**
 * The Runtime API over one kept-alive connection. It keeps the event loop alive only while an answer is awaited, so
 * that the loop counts as empty when the customer's code has nothing left to do.
 */
class RuntimeApi {
  constructor(address) {
    const colon = address.lastIndexOf(":");
    this.host = address.slice(0, colon);
    this.port = Number(address.slice(colon + 1));
    this.hostHeader = `Host: ${address}\r\n\r\n`;
    this.nextHead = `GET ${BASE}/invocation/next HTTP/1.1\r\n${this.hostHeader}`;
    this.socket = null;
    this.pending = null;
    this.reset();
  }

  /** Forgets what has been received of the last answer. */
  reset() {
    this.chunks = [];
    this.size = 0;
    this.answer = null;
  }

  connect() {
    const socket = net.connect({ host: this.host, port: this.port, noDelay: true });
    socket.on("data", (chunk) => this.receive(chunk));
    socket.on("error", () => {}); // A close follows, which is what counts.
    socket.on("close", () => this.lose(socket));
    return socket;
  }

  /** One request; again over a new connection when the server had closed the idle one. */
  exchange(message) {
    return new Promise((resolve, reject) => {
      this.pending = { message, resolve, reject, isRetry: this.socket === null };
      this.send();
    });
  }

  send() {
    this.reset();
    this.socket ??= this.connect();
    this.socket.ref();
    this.socket.write(this.pending.message);
  }

  lose(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    const pending = this.pending;
    if (!pending) return;
    if (!pending.isRetry && this.size === 0) {
      pending.isRetry = true;
      this.send();
      return;
    }
    this.pending = null;
    pending.reject(new RuntimeFault("PlatformError", "The Runtime API closed the connection"));
  }

  receive(chunk) {
    if (!this.pending) return;
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.answer === null && !this.parseHead()) return;
    const { status, headers, start, end } = this.answer;
    if (this.size < end) return;
    const body = Buffer.concat(this.chunks).toString("utf8", start, end);
    const { resolve } = this.pending;
    this.pending = null;
    this.reset();
    this.socket.unref();
    if (headers.connection?.toLowerCase() === "close") {
      this.socket.destroy();
      this.socket = null;
    }
    resolve({ status, headers, body });
  }

  /** False as long as the head is not there as a whole. */
  parseHead() {
    const received = Buffer.concat(this.chunks);
    this.chunks = [received];
    const start = received.indexOf("\r\n\r\n") + 4;
    if (start < 4) return false;
    const [first, ...lines] = received.toString("utf8", 0, start - 4).split("\r\n");
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    this.answer = { status: Number(first.split(" ")[1]), headers, start, end: start + Number(headers["content-length"] ?? 0) };
    return true;
  }

  async next() {
    const answer = await this.exchange(this.nextHead);
    if (answer.status !== 200) throw new RuntimeFault("PlatformError", `Failed to get next invocation: HTTP status ${answer.status}`);
    return answer;
  }

  async post(where, body, errorType) {
    // The connection is taken while the next invocation is awaited; what comes then comes from an ended one.
    if (this.pending) return new RuntimeApi(`${this.host}:${this.port}`).post(where, body, errorType);
    const typeHeader = errorType === undefined ? "" : `Lambda-Runtime-Function-Error-Type: ${asHeader(errorType)}\r\n`;
    const fields = `Content-Type: application/json\r\n${typeHeader}Content-Length: ${Buffer.byteLength(body)}\r\n`;
    return this.exchange(`POST ${BASE}/${where} HTTP/1.1\r\n${fields}${this.hostHeader}${body}`);
  }

  async postResponse(id, text) {
    const { status } = await this.post(`invocation/${encodeURIComponent(id)}/response`, text);
    if (status >= 300) process.stderr.write(`LAMBDA_RUNTIME Failed to post handler success response. Http response code: ${status}.\n`);
  }

  async postError(id, error) {
    const document = describeError(error);
    await this.post(`invocation/${encodeURIComponent(id)}/error`, JSON.stringify(document), document.errorType);
  }

  async postInitError(error) {
    const document = describeError(error);
    await this.post("init/error", JSON.stringify(document), document.errorType);
  }
}

// --- Response streaming ----------------------------------------------------------------------------------------------

/**
 * The stream that a streaming handler writes to: a chunked request over a connection of its own. It starts with the
 * first write, until when the content type can be set.
 */
class ResponseStream extends Writable {
  constructor(api, id, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.api = api;
    this.id = id;
    this.contentType = "application/octet-stream";
    this.socket = null;
    this.answered = new Promise((resolve, reject) => {
      this.succeed = resolve;
      this.fail = reject;
    });
    this.answered.catch(() => {}); // Whoever waits sees it; nobody may have to.
    this.on("error", (error) => this.fail(error));
  }

  setContentType(contentType) {
    if (this.socket) throw new RuntimeFault("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.contentType = contentType;
  }

  write(chunk, encoding, callback) {
    const isBytes = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isBytes ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  start() {
    if (this.socket) return;
    const socket = net.connect({ host: this.api.host, port: this.api.port, noDelay: true });
    this.socket = socket;
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer.includes("\r\n\r\n")) {
        this.succeed();
        socket.destroy();
      }
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.fail(new RuntimeFault("PlatformError", "The Runtime API closed the connection")));
    socket.write(
      `POST ${BASE}/invocation/${encodeURIComponent(this.id)}/response HTTP/1.1\r\n` +
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n" +
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n" +
        `Content-Type: ${asHeader(this.contentType)}\r\nConnection: close\r\n${this.api.hostHeader}`,
    );
    this._onBeforeFirstWrite?.((bytes) => this.sendChunk(Buffer.from(bytes)));
  }

  sendChunk(bytes, callback) {
    if (bytes.length === 0) {
      callback?.();
      return;
    }
    this.socket.cork();
    this.socket.write(`${bytes.length.toString(16)}\r\n`);
    this.socket.write(bytes);
    this.socket.write("\r\n", callback);
    this.socket.uncork();
  }

  _write(chunk, _encoding, callback) {
    this.start();
    this.socket.ref();
    this.sendChunk(chunk, (error) => {
      // An idle stream alone does not keep the event loop alive.
      if (!this.writableEnded) this.socket.unref();
      callback(error);
    });
  }

  _final(callback) {
    this.start();
    this.socket.ref();
    this.socket.write("0\r\n\r\n", callback);
  }

  _destroy(error, callback) {
    // A finished response still waits for its answer; an unfinished one is to be seen as truncated.
    if (!this.writableFinished) this.socket?.destroy();
    callback(error);
  }

  /** Ends the response with an error: as one that never began, or in its trailers. */
  async failWith(error) {
    if (!this.socket) {
      await this.api.postError(this.id, error);
      this.destroy();
      return;
    }
    if (!this.writableEnded && !this.destroyed) {
      const document = describeError(error);
      const body = Buffer.from(JSON.stringify(document)).toString("base64");
      const trailers = `Lambda-Runtime-Function-Error-Type: ${asHeader(document.errorType)}\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n`;
      this._final = (callback) => {
        this.socket.ref();
        this.socket.write(`0\r\n${trailers}\r\n`, callback);
      };
      this.end();
    }
    await this.answered.catch(() => {});
  }
}

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

function defineGlobals() {
  if (["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = "response";
      if (typeof options?.highWaterMark === "number") handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType("application/vnd.awslambda.http-integration-response");
        const text = JSON.stringify(prelude);
        stream._onBeforeFirstWrite = (write) => {
          write(text);
          write(new Uint8Array(8));
        };
        return stream;
      },
    },
  };
}

// --- Handler ---------------------------------------------------------------------------------------------------------

/** Has ES modules, too, find what is in the node_modules directories of NODE_PATH (layers), as on AWS. */
function resolveModulesInLayers() {
  const directories = (process.env.NODE_PATH ?? "").split(":").filter((dir) => dir.endsWith("/node_modules") && fs.existsSync(dir));
  if (directories.length === 0) return;
  const parents = directories.map((dir) => pathToFileURL(path.dirname(dir) + "/").href);
  const isMissing = (error, specifier) => error?.code === "ERR_MODULE_NOT_FOUND" && !/^([./]|[a-z]+:)/.test(specifier);
  if (Module.registerHooks) {
    Module.registerHooks({
      resolve(specifier, context, nextResolve) {
        try {
          return nextResolve(specifier, context);
        } catch (error) {
          if (!isMissing(error, specifier)) throw error;
          for (const parentURL of parents) {
            try {
              return nextResolve(specifier, { ...context, parentURL });
            } catch {
              // Not in this layer directory either.
            }
          }
          throw error;
        }
      },
    });
  } else if (Module.register) {
    // Before Node.js 22.15 hooks live on a thread of their own, so they are given as source text.
    const source = `
      const parents = ${JSON.stringify(parents)};
      const isMissing = ${isMissing};
      export async function resolve(specifier, context, nextResolve) {
        try {
          return await nextResolve(specifier, context);
        } catch (error) {
          if (!isMissing(error, specifier)) throw error;
          for (const parentURL of parents) {
            try {
              return await nextResolve(specifier, { ...context, parentURL });
            } catch {}
          }
          throw error;
        }
      }`;
    Module.register(`data:text/javascript,${encodeURIComponent(source)}`);
  }
}

/** Whether the nearest package.json says that .js files are ES modules. */
function isModulePackage(directory) {
  for (let folder = directory; !folder.endsWith("/node_modules"); folder = path.dirname(folder)) {
    const file = path.join(folder, "package.json");
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, "utf8"))?.type === "module";
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
  return false;
}

async function loadModule(root, directory, name) {
  const file = path.resolve(root, directory, name);
  const load = async (extension, isModule) => {
    const full = file + extension;
    if (!fs.existsSync(full)) return undefined;
    if (!isModule) return require(full);
    resolveModulesInLayers();
    return import(pathToFileURL(full).href);
  };
  const isModule = fs.existsSync(`${file}.js`) && isModulePackage(path.dirname(file));
  return (
    (await load("", false)) ??
    (await load(".js", isModule)) ??
    (await load(".mjs", true)) ??
    (await load(".cjs", false)) ??
    require(require.resolve(name, { paths: [root, path.join(root, directory)] }))
  );
}

async function loadHandler(root, handlerName) {
  if (handlerName.includes("..")) {
    const advice = "is not a valid handler name. Use absolute paths when specifying root directories in handler names.";
    throw new RuntimeFault("MalformedHandlerName", `'${handlerName}' ${advice}`);
  }
  const base = path.basename(handlerName);
  const directory = handlerName.slice(0, handlerName.indexOf(base));
  const dot = base.indexOf(".");
  if (dot < 0) throw new RuntimeFault("MalformedHandlerName", "Bad handler");
  let exports;
  try {
    exports = await loadModule(root, directory, base.slice(0, dot));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new RuntimeFault("UserCodeSyntaxError", String(error));
      fault.stack = error.stack; // Only this says where in the customer's file it is.
      throw fault;
    }
    if (error?.code === "MODULE_NOT_FOUND") throw new RuntimeFault("ImportModuleError", String(error));
    throw error;
  }
  const find = (object) => base.slice(dot + 1).split(".").reduce((nested, key) => nested?.[key], object);
  const handler = find(exports) ?? find(exports?.default);
  if (!handler) throw new RuntimeFault("HandlerNotFound", `${handlerName} is undefined or not exported`);
  if (typeof handler !== "function") throw new RuntimeFault("HandlerNotFound", `${handlerName} is not a function`);
  if (handler[STREAMING] && handler[STREAMING] !== "response") {
    throw new RuntimeFault("MalformedStreamingHandler", "Only response streaming is supported.");
  }
  if (isModern && handler.length >= 3 && !handler[STREAMING]) {
    throw new RuntimeFault("CallbackHandlerDeprecated", CALLBACKS_REMOVED);
  }
  return handler;
}

function parseHeader(text, name) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function buildContext(headers) {
  const { env } = process;
  const deadlineMs = Number(headers["lambda-runtime-deadline-ms"]);
  const context = {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parseHeader(headers["lambda-runtime-client-context"], "ClientContext"),
    identity: parseHeader(headers["lambda-runtime-cognito-identity"], "CognitoIdentity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: requestId,
    tenantId,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  if (isModern) context.xRayTraceId = headers["lambda-runtime-trace-id"];
  return context;
}

/** Makes `headers` those of the current invocation. */
function enterInvocation(headers) {
  requestId = headers["lambda-runtime-aws-request-id"];
  tenantId = headers["lambda-runtime-aws-tenant-id"];
  const traceId = headers["lambda-runtime-trace-id"];
  if (traceId) process.env._X_AMZN_TRACE_ID = traceId;
  else delete process.env._X_AMZN_TRACE_ID;
}

/** What happens when the event loop runs empty: reset for every invocation. */
let onEmptyLoop = () => {};

const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve));
const emptyLoop = () => new Promise((resolve) => (onEmptyLoop = () => setImmediate(resolve)));

/** Runs one invocation of a handler as up to nodejs22.x: promise, callback or neither. Gives [error, result]. */
function callHandler(handler, event, context) {
  return new Promise((resolve) => {
    let waitsForEmptyLoop = true;
    const done = (error, result) => {
      onEmptyLoop = () => {};
      resolve([error, result]);
    };
    const callback = (error, result) => {
      const isFailed = error !== undefined && error !== null;
      if (isFailed || !waitsForEmptyLoop) done(error, result);
      else onEmptyLoop = () => setImmediate(done, null, result);
    };
    const onlyOnce = (call) => {
      return (...params) => {
        if (isCalled) return;
        isCalled = true;
        call(...params);
      };
    };
    let isCalled = false;
    const succeed = onlyOnce((result) => done(null, result));
    const fail = onlyOnce((error) => done(error ?? "handled"));
    Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {
      get: () => waitsForEmptyLoop,
      set: (value) => (waitsForEmptyLoop = value),
      enumerable: true,
    });
    Object.assign(context, { succeed, fail, done: onlyOnce(done) });
    onEmptyLoop = () => done(null, null);
    try {
      const result = handler(event, context, onlyOnce(callback));
      if (typeof result?.then === "function") result.then(succeed, fail);
    } catch (error) {
      onlyOnce(callback)(error);
    }
  });
}

async function serveBuffered(api, handler) {
  for (;;) {
    const { headers, body } = await api.next();
    enterInvocation(headers);
    let text;
    try {
      const context = buildContext(headers);
      const event = JSON.parse(body);
      let result;
      if (isModern) {
        result = await handler(event, context);
        await turnOfTheLoop();
      } else {
        let error;
        [error, result] = await callHandler(handler, event, context);
        if (error !== undefined && error !== null) throw error;
      }
      text = serialize(result);
    } catch (error) {
      logError("Invoke Error", error);
      await api.postError(requestId, error);
      continue;
    }
    await api.postResponse(requestId, text);
  }
}

/** Runs a streaming handler to the end of its response. */
async function streamResponse(handler, event, context, stream) {
  const promise = handler(event, stream, context);
  if (typeof promise?.then !== "function") throw new Error("Streaming does not support non-async handlers.");
  if ((await promise) !== undefined) console.warn("Streaming handlers ignore return values.");
  // It may still be written to by what the handler started; but when that has ended, nobody will finish it.
  const unfinished = new Promise((_, reject) => {
    onEmptyLoop = () => {
      if (!stream.writableEnded) reject(new Error("Response stream is not finished."));
    };
  });
  await Promise.race([stream.answered, unfinished]);
}

async function serveStreaming(api, handler) {
  for (;;) {
    const { headers, body } = await api.next();
    enterInvocation(headers);
    onEmptyLoop = () => {};
    const stream = new ResponseStream(api, requestId, handler[HIGH_WATER_MARK]);
    let waitsForEmptyLoop = !isModern;
    try {
      const context = buildContext(headers);
      if (!isModern) {
        Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {
          get: () => waitsForEmptyLoop,
          set: (value) => (waitsForEmptyLoop = value),
          enumerable: true,
        });
      }
      await streamResponse(handler, JSON.parse(body), context, stream);
    } catch (error) {
      logError("Invoke Error", error);
      await stream.failWith(error);
    }
    if (waitsForEmptyLoop) await emptyLoop();
  }
}

// --- Start -----------------------------------------------------------------------------------------------------------

/** Up to nodejs22.x what nobody catches is reported before the process ends, with a status of its own. */
function reportUncaught(api) {
  let isReporting = false;
  const report = async (title, error, status) => {
    logError(title, error);
    if (isReporting) return;
    isReporting = true;
    try {
      if (requestId === undefined) await api.postInitError(error);
      else await api.postError(requestId, error);
    } finally {
      process.exit(status);
    }
  };
  process.on("uncaughtException", (error) => report("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) => {
    const error = new RuntimeFault("UnhandledPromiseRejection", String(reason));
    report("Unhandled Promise Rejection", Object.assign(error, { reason, promise }), 128);
  });
  process.on("beforeExit", () => onEmptyLoop());
}

async function run() {
  const { env } = process;
  delete env.LAMBENT_OPT_DIR;
  const version = /^AWS_Lambda_nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV ?? "")?.[1] ?? process.versions.node.split(".")[0];
  isModern = Number(version) >= 24;
  patchConsole();
  defineGlobals();
  const api = new RuntimeApi(env.AWS_LAMBDA_RUNTIME_API);
  if (!isModern) reportUncaught(api);
  else process.on("beforeExit", () => onEmptyLoop());
  let handler;
  try {
    handler = await loadHandler(env.LAMBDA_TASK_ROOT ?? process.cwd(), env._HANDLER ?? "");
  } catch (error) {
    logError(isModern ? "Init Error" : "Uncaught Exception", error);
    await api.postInitError(error);
    process.exit(isModern ? 1 : 129);
  }
  try {
    await (handler[STREAMING] ? serveStreaming(api, handler) : serveBuffered(api, handler));
  } catch (error) {
    // A lost connection means that the platform is gone: then nobody wants to know.
    if (error.name !== "Runtime.PlatformError") process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
}

/** Waits for the function that this blank process is to be bound to. */
function bind(fd) {
  delete process.env.LAMBENT_BIND_FD;
  patchConsole();
  format("%s", JSON.stringify(describeError(new Error("dry run"))));
  new net.Socket().destroy();
  const chunks = [];
  const buffer = Buffer.alloc(65536);
  for (;;) {
    const count = fs.readSync(fd, buffer);
    if (count === 0) process.exit(0);
    chunks.push(Buffer.from(buffer.subarray(0, count)));
    if (buffer[count - 1] === 10) break;
  }
  fs.closeSync(fd);
  const { env, cwd } = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  Module._initPaths?.(); // Reads NODE_PATH anew.
}

if (process.env.LAMBENT_BIND_FD) bind(Number(process.env.LAMBENT_BIND_FD));
// Not awaited: a module that never settles would turn an empty event loop into exit status 13.
run();
