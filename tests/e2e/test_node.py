"""Node.js functions in all their forms."""

import pytest

from packages import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")

HANDLERS = {
    "ES module": {"index.mjs": "export const handler = async (event) => ({ got: event.n, type: 'esm' });"},
    "ES module by package.json": {
        "package.json": '{"type": "module"}',
        "index.js": "export const handler = async (event) => ({ got: event.n, type: 'esm' });",
    },
    "CommonJS": {"index.js": "exports.handler = async (event) => ({ got: event.n, type: 'cjs' });"},
    "CommonJS by name": {"index.cjs": "exports.handler = async (event) => ({ got: event.n, type: 'cjs' });"},
    "callback": {
        "index.js": "exports.handler = (event, context, callback) => callback(null, { got: event.n, type: 'callback' });"
    },
    "top-level await": {
        "index.mjs": "const type = await Promise.resolve('tla');\nexport const handler = async (event) => ({ got: event.n, type });"
    },
}


@pytest.mark.parametrize("form", HANDLERS)
def test_node_handlers(aws, form):
    if form == "callback" and int(NODE[6:].split(".")[0]) >= 24:
        pytest.skip("callbacks ended with nodejs22.x")
    name = aws.create(HANDLERS[form], Runtime=NODE)
    result = aws.result(name, {"n": 5})
    assert result["got"] == 5


def test_node_errors(aws):
    name = aws.create(
        {"index.mjs": "export const handler = async () => { throw new TypeError('wrong type'); };"}, Runtime=NODE
    )
    result = aws.invoke(name, tail=True)
    assert (result.status, result.error) == (200, "Unhandled")
    assert (result.payload["errorType"], result.payload["errorMessage"]) == ("TypeError", "wrong type")
    assert result.payload["trace"][0] == "TypeError: wrong type"
    task = "/var/task" if aws.server.isolates else ""
    assert f"{task}/index.mjs:1" in result.payload["trace"][1]
    assert f"\t{result.request_id}\tERROR\tInvoke Error" in result.log


@pytest.mark.parametrize(
    "code, error_type, message",
    [
        ("export const other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("export const handler = 1;", "Runtime.HandlerNotFound", "index.handler is not a function"),
        ("export const handler = (;", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("throw new Error('at the start');", "Error", "at the start"),
    ],
)
def test_node_functions_that_cannot_be_loaded(aws, code, error_type, message):
    result = aws.invoke(aws.create({"index.mjs": code}, Runtime=NODE))
    assert result.error == "Unhandled"
    assert result.payload["errorType"] == error_type
    assert result.payload["errorMessage"].startswith(message)


def test_node_ends(aws):
    name = aws.create({"index.mjs": "export const handler = async () => process.exit(4);"}, Runtime=NODE)
    result = aws.invoke(name)
    assert result.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 4",
    }


def test_node_s_console(aws):
    code = "export const handler = async () => { console.log('a', { b: 1 }); console.error('two\\nlines'); };"
    result = aws.invoke(aws.create({"index.mjs": code}, Runtime=NODE), tail=True)
    assert f"\t{result.request_id}\tINFO\ta {{ b: 1 }}\n" in result.log
    assert f"\t{result.request_id}\tERROR\ttwo\rlines\n" in result.log
