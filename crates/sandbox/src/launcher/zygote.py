"""Forks Python processes into jails, ahead of need.

Started once per account and interpreter, with the launcher's rights. It imports the bootstrap and nothing of any
customer's, and then forks what the launcher asks for: a child that enters a jail, gives up every right, and waits
there, warm, for the function that it is to run.

Descriptor 3 is the socket to the launcher here, and in a child the one for its own jail.
"""

import _socket
import ctypes
import gc
import importlib
import io
import json
import os
import resource
import signal
import sys
import time

import bootstrap

OUTPUT = 1
CONTROL = 3
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
KEYCTL_JOIN_SESSION_KEYRING = 1
CAPABILITY_VERSION_3 = 0x20080522
SYS_CLOSE_RANGE = 436
SYS_PIDFD_OPEN = 434
SYS_KEYCTL = {"x86_64": 250}.get(os.uname().machine, 219)
SYS_CAPSET = {"x86_64": 126}.get(os.uname().machine, 91)

libc = ctypes.CDLL(None, use_errno=True)


class FilterProgram(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


class CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def receive(control):
    """The next message and its descriptors; None when the other side is gone."""
    text, ancillary, _, _ = control.recvmsg(65536, _socket.CMSG_SPACE(12 * 4))
    descriptors = []
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            descriptors.extend(memoryview(data[: len(data) // 4 * 4]).cast("i").tolist())
    return (json.loads(text.decode()) if text else None), descriptors


def send(control, message):
    control.send(json.dumps(message).encode())


def enter(jail, entrances):
    """Joins the jail's control group and all its namespaces but that of process ids, which takes a fork."""
    for entrance in entrances:
        os.write(entrance, b"0")
    others = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET
    check(libc.setns(jail, others))
    libc.syscall(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, None)
    check(libc.setns(jail, CLONE_NEWUSER))
    os.chdir("/")
    os.setsid()


def place_descriptors(control, output):
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2), (control, CONTROL)):
        os.dup2(source, target)
    check(libc.syscall(SYS_CLOSE_RANGE, ctypes.c_uint(CONTROL + 1), ctypes.c_uint(0xFFFFFFFF), 0))


def give_up_rights(settings, filters):
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    for name, value in settings["limits"]:
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))
    try:
        os.setgroups([])
    except PermissionError:
        pass  # A rootless namespace does not allow it, and there is nothing to gain.
    user, group = settings["user"], settings["group"]
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    # Joining a user namespace as its owner gives every capability in it, whatever the user id.
    header, none = CapabilityHeader(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    check(libc.syscall(SYS_CAPSET, ctypes.byref(header), none))
    os.umask(0o022)
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    for program in filters:
        loaded = FilterProgram(len(program) // 8, program)
        check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(loaded), 0, 0))
    # As it would be after an exec, so that the function can look at itself in /proc.
    check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))


def rehearse():
    """Does what a function's start does, for nothing: what it touches is then copied, compiled and allocated."""
    bootstrap.dry_run()
    environ = {"LAMBENT_REHEARSAL_%d" % number: "x" * 40 for number in range(24)}
    environ = json.loads(json.dumps({"env": environ}))["env"]
    os.environ.update(environ)
    time.tzset()
    for name in environ:
        del os.environ[name]
    sys.path_importer_cache.clear()
    with open(OUTPUT, "wb", closefd=False) as raw:
        io.TextIOWrapper(raw, encoding="utf-8").detach()
    importlib.import_module("rehearsal").handler({}, None)
    del sys.modules["rehearsal"]
    nowhere = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        nowhere.connect(("127.0.0.1", 1))
    except OSError:
        pass  # Nobody listens there.
    nowhere.close()


def occupy(settings, filters, control, output):
    """The forked child, inside: waits for its function. Its variables and directory."""
    place_descriptors(control, output)
    give_up_rights(settings, filters)
    control = _socket.socket(fileno=CONTROL)
    rehearse()
    send(control, {"Ready": {"process": os.getpid()}})
    function, _ = receive(control)
    if function is None:
        os._exit(0)
    control.close()
    return function["env"], function["cwd"]


def fork_into_jail(descriptors, own, settings, filters):
    """None in the zygote; in the child, once it is wanted, its variables and directory."""
    jail, control, output = descriptors[:3]
    check(libc.setns(jail, CLONE_NEWPID))
    between = os.fork()
    if between != 0:
        check(libc.setns(own, CLONE_NEWPID))
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(between, 0)
        return None
    try:
        enter(jail, descriptors[3:])
        # Orphaned at once, so that the jail's first process is the one that learns how it ends.
        if os.fork() != 0:
            os._exit(0)
        return occupy(settings, filters, control, output)
    except BaseException as error:
        # The launcher sees the socket close; whoever reads its log sees why.
        os.write(2, ("zygote child: %r\n" % error).encode())
        os._exit(1)


def serve():
    launcher = _socket.socket(fileno=CONTROL)
    settings, _ = receive(launcher)
    if settings is None:
        os._exit(0)
    filters = [bytes(program) for program in settings["filters"]]
    own = check(libc.syscall(SYS_PIDFD_OPEN, os.getpid(), 0))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    bootstrap.dry_run()
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()  # A collection in a child must not touch, and so copy, what is there already.
    send(launcher, {"Ready": {}})
    while True:
        request, descriptors = receive(launcher)
        if request is None:
            os._exit(0)
        function = fork_into_jail(descriptors, own, settings, filters)
        if function is not None:
            return function


if __name__ == "__main__":
    environ, cwd = serve()
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-1:] = [bootstrap.__file__]
    bootstrap.run(environ, cwd)
