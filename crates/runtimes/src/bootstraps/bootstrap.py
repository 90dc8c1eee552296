"""Runs a Python handler against the Lambda Runtime API.

Behaves as AWS's runtime interface client for Python (error types and texts, logging, context, JSON forms) and
reads all it needs from the environment: _HANDLER, AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR,
PYTHONPATH, AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL and the variables that the context shows. LAMBENT_OPT_DIR
says where layers are when not at /opt; it is taken out of the environment.

Started as a program it runs at once. It can also be imported ahead of need, by a process that is forked later:
importing it opens no socket, starts no thread and reads no variable; `dry_run()` warms it up, and
`run(environ, cwd)` in the child binds the process to a function and never returns.

A log record of several lines is written as one line with "\\r" between them, so that it stays one event.

The names LambdaRuntimeClient, handle_event_request and LambdaLoggerHandler are those of AWS's client, because
monitoring agents patch them.
"""

import importlib
import io
import json
import os
import sys
import time

import _socket
from json.encoder import encode_basestring, encode_basestring_ascii

_VERSION = "%d.%d" % sys.version_info[:2]
_SCALARS = frozenset((str, int, float, bool, type(None)))
# The runtimes whose JSON escapes everything that is not ASCII; later ones write UTF-8.
_ASCII_RUNTIMES = ("python3.6", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11")
# What AWS's Python runtimes bring along; nothing else of the host's site-packages is visible to a function.
_BUNDLED = frozenset(("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "simplejson"))

_request_id = ""
_tenant_id = None
_ensure_ascii = True
_json_logs = False
_sink = None


class FaultException(Exception):
    """A failure that has one of the platform's own error types."""

    def __init__(self, exception_type, msg, trace=None):
        super().__init__(msg)
        self.exception_type = exception_type
        self.msg = msg
        self.trace = trace


# --- JSON -----------------------------------------------------------------------------------------------------
# AWS encodes with simplejson: named tuples become objects, bytes become strings, decimals stay numbers. The
# interpreter's own encoder is much faster and differs only there, so it writes whatever holds none of these.


def _is_plain(value):
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind is dict:
        if not _SCALARS.issuperset(map(type, value)):
            return False
        children = value.values()
    elif kind is list or kind is tuple:
        children = value
    else:
        return False
    if _SCALARS.issuperset(map(type, children)):
        return True
    return all(map(_is_plain, children))


def _float_text(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def _key_text(key):
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("utf-8")
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return _float_text(key)
    raise TypeError("keys must be str, int, float, bool or None, not " + type(key).__name__)


def _write_json(value, quote, open_ids):
    """Encodes what the interpreter's own encoder would write differently."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bytes):
        return quote(value.decode("utf-8"))
    if value is None or value is True or value is False:
        return _key_text(value)
    if isinstance(value, (int, float)):
        return _key_text(value)
    is_object = isinstance(value, dict)
    if not is_object and not isinstance(value, (list, tuple)):
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(value, decimal.Decimal):
            return "NaN" if value.is_nan() else str(value)
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)
    if id(value) in open_ids:
        raise ValueError("Circular reference detected")
    open_ids.add(id(value))
    fields = value if is_object else None
    if isinstance(value, tuple) and callable(getattr(value, "_asdict", None)):
        fields = value._asdict()
    if fields is None:
        text = "[" + ", ".join([_write_json(item, quote, open_ids) for item in value]) + "]"
    else:
        parts = [quote(_key_text(k)) + ": " + _write_json(v, quote, open_ids) for k, v in fields.items()]
        text = "{" + ", ".join(parts) + "}"
    open_ids.discard(id(value))
    return text


def to_json(value):
    try:
        plain = _is_plain(value)
    except RecursionError:
        plain = True  # The encoder finds out whether it is circular or only deep.
    if plain:
        return json.dumps(value, ensure_ascii=_ensure_ascii)
    return _write_json(value, encode_basestring_ascii if _ensure_ascii else encode_basestring, set())


# --- Runtime API ----------------------------------------------------------------------------------------------


class _Disconnected(Exception):
    """The server closed the connection before it answered."""


class LambdaRuntimeClient:
    """The Runtime API over one kept-alive connection. Answers must carry a Content-Length."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._address = (host, int(port or 80)) if host else (address, 80)
        self._base = "/2018-06-01/runtime/"
        self._host = ("Host: %s\r\n" % address).encode()
        self._next = self._head("GET", "invocation/next", "")
        self._socket = None

    def _head(self, method, path, fields):
        return ("%s %s%s HTTP/1.1\r\n%s" % (method, self._base, path, fields)).encode("ascii", "replace") + self._host + b"\r\n"

    def _connect(self):
        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        connection.connect(self._address)
        connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._socket = connection

    def _exchange(self, head, body=b""):
        """Sends one request, and once more when the server had closed the idle connection."""
        reused = self._socket is not None
        try:
            return self._exchange_once(head, body)
        except (_Disconnected, ConnectionError):
            self._socket = None
            if not reused:
                raise
            return self._exchange_once(head, body)

    def _exchange_once(self, head, body):
        if self._socket is None:
            self._connect()
        connection = self._socket
        if len(body) > 65536:
            connection.sendall(head)
            connection.sendall(body)
        else:
            connection.sendall(head + body)
        received = b""
        end = -1
        while end < 0:
            chunk = connection.recv(65536)
            if not chunk:
                raise _Disconnected()
            received += chunk
            end = received.find(b"\r\n\r\n")
        lines = received[:end].decode("utf-8").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length") or 0)
        parts = [received[end + 4:]]
        missing = length - len(parts[0])
        while missing > 0:
            chunk = connection.recv(min(missing, 1048576))
            if not chunk:
                raise _Disconnected()
            parts.append(chunk)
            missing -= len(chunk)
        if headers.get("connection", "").lower() == "close":
            connection.close()
            self._socket = None
        return int(lines[0].split(" ", 2)[1]), headers, b"".join(parts)

    def _post(self, path, fields, body):
        fields += "Content-Length: %d\r\n" % len(body)
        return self._exchange(self._head("POST", path, fields), body)[0]

    def wait_next_invocation(self):
        status, headers, body = self._exchange(self._next)
        if status != 200:
            raise RuntimeError("Failed to get next invocation: HTTP status %d" % status)
        return headers, body

    def post_invocation_result(self, invoke_id, result_data, content_type="application/json"):
        fields = "Content-Type: %s\r\n" % content_type
        status = self._post("invocation/%s/response" % invoke_id, fields, result_data)
        if status >= 300:
            sys.stderr.write("LAMBDA_RUNTIME Failed to post handler success response. Http response code: %d.\n" % status)
            raise RuntimeError("Failed to post invocation response")

    def post_invocation_error(self, invoke_id, error_response_data, error_type=""):
        fields = "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %s\r\n" % error_type
        status = self._post("invocation/%s/error" % invoke_id, fields, error_response_data)
        if status >= 300:
            sys.stderr.write("LAMBDA_RUNTIME Failed to post handler error response. Http response code: %d.\n" % status)
            raise RuntimeError("Failed to post invocation error")

    def post_init_error(self, error_response_data, error_type_override=None):
        error_type = error_type_override or error_response_data["errorType"]
        fields = "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %s\r\n" % error_type
        self._post("init/error", fields, _encode(to_json(error_response_data)))


# --- Context --------------------------------------------------------------------------------------------------


class _Fields:
    """An object with a fixed set of fields, all None at first."""

    __slots__ = ()

    def __init__(self, values=None):
        for name in self.__slots__:
            setattr(self, name, values.get(name) if values else None)

    def __repr__(self):
        return "%s([%s])" % (type(self).__name__, ",".join("%s=%s" % (n, getattr(self, n)) for n in self.__slots__))


class CognitoIdentity(_Fields):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Fields):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Fields):
    __slots__ = ("custom", "env", "client")


class LambdaContext:
    def __init__(self, invoke_id, client_context, cognito_identity, deadline_ms, invoked_function_arn, tenant_id):
        environ = os.environ
        self.aws_request_id = invoke_id
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = tenant_id
        self.client_context = None
        if client_context is not None:
            self.client_context = ClientContext(client_context)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        self.identity = CognitoIdentity()
        if cognito_identity is not None:
            self.identity.cognito_identity_id = cognito_identity.get("cognitoIdentityId")
            self.identity.cognito_identity_pool_id = cognito_identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, msg):
        _sink.log(str(msg))

    def __repr__(self):
        shown = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb")
        shown += ("function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return "LambdaContext([%s])" % ",".join("%s=%s" % (name, getattr(self, name)) for name in shown)


def _parse_header(text, name):
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as e:
        raise FaultException("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, e))


# --- Output and logging ---------------------------------------------------------------------------------------


class _Output(io.TextIOWrapper):
    """A standard stream of which every write reaches the pipe at once, as a killed process flushes nothing."""

    def write(self, text):
        count = super().write(text)
        self.flush()
        return count

    def writelines(self, lines):
        super().writelines(lines)
        self.flush()


class _LogSink:
    def log(self, msg):
        sys.stdout.write(msg)

    def log_error(self, message_lines):
        sys.stdout.write("\r".join(message_lines) + "\n")


def _open_output():
    # Whatever the interpreter set up at its own start has had nothing written to it.
    for name, fd, errors in (("stdout", 1, "surrogateescape"), ("stderr", 2, "backslashreplace")):
        raw = open(fd, "wb", closefd=False)
        stream = _Output(raw, encoding="utf-8", errors=errors, newline="\n")
        stream.mode = "w"
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)


class _LoggingFinder:
    """Sets logging up when it is first imported: a third of the start time, which not every function needs."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(cls)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, _STDLIB)
        if spec is None or spec.loader is None:
            return None
        loader = spec.loader

        def exec_module(module):
            del loader.exec_module
            loader.exec_module(module)
            _set_up_logging(module)

        loader.exec_module = exec_module
        return spec


def _set_up_logging(logging):
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level

    class LambdaLoggerHandler(logging.Handler):
        def __init__(self, log_sink):
            super().__init__()
            self.log_sink = log_sink

        def emit(self, record):
            text = self.format(record)
            text = text[:-1] if text.endswith("\n") else text
            self.log_sink.log(text.replace("\n", "\r") + "\n")

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = _request_id
            record.tenant_id = _tenant_id
            return True

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            return _format_json_record(self, record)

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler(_sink)
    if _json_logs:
        handler.setFormatter(JsonFormatter(datefmt="%Y-%m-%dT%H:%M:%SZ"))
    else:
        form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)


_RECORD_FIELDS = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
    "msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)


def _format_json_record(formatter, record):
    import logging
    import traceback

    level = min(50, max(0, record.levelno)) // 10 * 10
    raised = record.exc_info or None
    is_document = isinstance(record.msg, dict) and not record.args
    result = {
        "timestamp": formatter.formatTime(record, formatter.datefmt),
        "level": logging.getLevelName(level),
        "message": record.msg if is_document else record.getMessage(),
        "logger": record.name,
        "stackTrace": traceback.format_tb(raised[2]) if raised else None,
        "errorType": raised[0].__name__ if raised and raised[0] else None,
        "errorMessage": str(raised[1]) if raised else None,
        "requestId": record.aws_request_id,
        "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if raised else None,
    }
    if record.tenant_id is not None:
        result["tenantId"] = record.tenant_id
    for key, value in record.__dict__.items():
        if key not in _RECORD_FIELDS and key not in result:
            result[key] = value
    result = {key: value for key, value in result.items() if value is not None}
    return json.dumps(result, ensure_ascii=False, default=str) + "\n"


def _log_error(error_result):
    if _json_logs:
        head = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR"}
        head.update(error_result)
        _sink.log_error([to_json(head)])
        return
    description = " ".join(("[ERROR]", error_result["errorType"])) if error_result["errorType"] else "[ERROR]"
    if error_result["errorMessage"]:
        description += (": " if error_result["errorType"] else " ") + error_result["errorMessage"]
    lines = description.split("\n") + ["Traceback (most recent call last):"]
    for element in error_result["stackTrace"]:
        for line in element.splitlines() if element else [""]:
            text = line.lstrip(" ")
            # No-break spaces, because log viewers trim ordinary ones.
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    _sink.log_error(lines)


# --- Handler --------------------------------------------------------------------------------------------------


def _get_handler(handler):
    try:
        modname, fname = handler.rsplit(".", 1)
    except ValueError as e:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (handler, e))
    if modname.split(".")[0] in sys.builtin_module_names:
        text = "Cannot use built-in module %s as a handler module" % modname
        raise FaultException("Runtime.BuiltInModuleConflict", text)
    try:
        module = importlib.import_module(modname.replace("/", "."))
    except ImportError as e:
        raise FaultException("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (modname, e))
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise FaultException("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (modname, e), trace)
    try:
        return getattr(module, fname)
    except AttributeError:
        raise FaultException("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (fname, modname))


def _describe_error(error, invoke_id=""):
    """The document that reports an exception: our own frames on top of its stack are not the customer's."""
    if isinstance(error, FaultException):
        kind, message, stack = error.exception_type, error.msg, error.trace
    else:
        import traceback

        kind, message = type(error).__name__, str(error)
        frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
        first = next((i for i, frame in enumerate(frames) if "/bootstrap.py" not in frame[0]), 0)
        stack = traceback.format_list(frames[first:])
    return {"errorMessage": message, "errorType": kind, "requestId": invoke_id, "stackTrace": stack or []}


def _encode(text):
    return text.encode("utf-8", "backslashreplace")


def _unmarshal(body, content_type):
    if content_type != "application/json":
        return body
    try:
        return json.loads(body)
    except Exception as e:
        raise FaultException("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)


def _marshal(response):
    if isinstance(response, bytes):
        return response, "application/unknown"
    try:
        return to_json(response).encode("utf-8"), "application/json"
    except Exception as e:
        raise FaultException("Runtime.MarshalError", "Unable to marshal response: %s" % e)


def handle_event_request(lambda_runtime_client, request_handler, headers, body):
    invoke_id = headers.get("lambda-runtime-aws-request-id", "")
    try:
        lambda_context = LambdaContext(
            invoke_id,
            _parse_header(headers.get("lambda-runtime-client-context"), "Client Context"),
            _parse_header(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity"),
            int(headers.get("lambda-runtime-deadline-ms") or 0),
            headers.get("lambda-runtime-invoked-function-arn"),
            _tenant_id,
        )
        event = _unmarshal(body, headers.get("content-type", "application/json"))
        response = request_handler(event, lambda_context)
        result, content_type = _marshal(response)
    except Exception as e:
        error = _describe_error(e, invoke_id)
        _log_error(error)
        lambda_runtime_client.post_invocation_error(invoke_id, _encode(to_json(error)), error["errorType"])
        return
    lambda_runtime_client.post_invocation_result(invoke_id, result, content_type)


# --- Start ----------------------------------------------------------------------------------------------------


def _find_stdlib():
    """The entries of sys.path that are the interpreter's own; what comes before them is our caller's."""
    archive = "python%d%d.zip" % sys.version_info[:2]
    for index, entry in enumerate(sys.path):
        if entry.endswith(archive):
            return [path for path in sys.path[index:] if not path.endswith("-packages")]
    return list(sys.path)


_STDLIB = _find_stdlib()


class _BundledFinder:
    """Finds the AWS SDK where the interpreter has it installed, when neither code nor layers bring it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _BUNDLED:
            return None
        from importlib.machinery import PathFinder
        from site import getsitepackages

        return PathFinder.find_spec(name, getsitepackages())


def _bind(environ, cwd):
    """Makes this process one of the function's: its variables, directory and module path."""
    global _ensure_ascii, _json_logs, _sink
    if environ is not None:
        os.environ.clear()
        os.environ.update(environ)
        if hasattr(time, "tzset"):
            time.tzset()
    environ = os.environ
    opt = environ.pop("LAMBENT_OPT_DIR", "/opt")
    task_root = environ.get("LAMBDA_TASK_ROOT", "/var/task")
    if cwd is not None:
        os.chdir(cwd)
    runtime = environ.get("AWS_EXECUTION_ENV", "")[len("AWS_Lambda_"):]
    _ensure_ascii = not runtime or runtime in _ASCII_RUNTIMES
    _json_logs = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    _sink = _LogSink()
    site_dir = "%s/python/lib/python%s/site-packages" % (opt, _VERSION)
    added = [entry for entry in environ.get("PYTHONPATH", "").split(":") if entry]
    sys.path[:] = [task_root, site_dir, opt + "/python"] + added + _STDLIB
    sys.path_importer_cache.clear()
    sys.argv[:] = [os.path.join(environ.get("LAMBDA_RUNTIME_DIR", "/var/runtime"), "bootstrap.py")]
    if os.path.isdir(site_dir):
        import site

        site.addsitedir(site_dir)  # A layer's .pth files count.


def _prepare_interpreter():
    """What the `site` module would do, which is skipped because it makes the host's packages visible."""
    import builtins

    from _sitebuiltins import Quitter, _Helper

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _Helper()
    sys.meta_path.append(_BundledFinder)
    if "logging" in sys.modules:
        _set_up_logging(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, _LoggingFinder)
    # A module of the customer's may be called as this one is; and agents look for it as the main program.
    this = sys.modules.pop(__name__)
    sys.modules["__main__"] = this


def dry_run():
    """Does once what every invocation does, so that a forked child finds it loaded and warm."""
    import logging
    import traceback

    del logging, traceback
    event = _unmarshal(b'{"key": [1, 2.5, true, null, "\\u00e4"]}', "application/json")
    LambdaContext("", _parse_header("{}", "Client Context"), None, 0, "", None).get_remaining_time_in_millis()
    _marshal(event)
    to_json(_describe_error(ValueError("dry run")))


def run(environ=None, cwd=None):
    """Binds this process to a function (to `environ` and `cwd`, or to what it was started with) and serves it."""
    global _request_id, _tenant_id
    _bind(environ, cwd)
    _open_output()
    _prepare_interpreter()
    client = LambdaRuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        request_handler = _get_handler(os.environ.get("_HANDLER", ""))
    except Exception as e:
        error = _describe_error(e)
        _log_error(error)
        client.post_init_error(error)
        sys.exit(1)
    while True:
        try:
            headers, body = client.wait_next_invocation()
        except (_Disconnected, OSError):
            sys.exit(1)  # The platform is gone; there is nobody to tell.
        _request_id = headers.get("lambda-runtime-aws-request-id", "")
        _tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        trace_id = headers.get("lambda-runtime-trace-id")
        if trace_id is not None:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        handle_event_request(client, request_handler, headers, body)


if __name__ == "__main__":
    run()
