"""AWS's own command line, loaded once: a call is answered by a copy of this process.

Loading it takes half a second, and the learners' script calls it some sixty times. Run by the
Python of its environment, with the path of a socket.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import traceback

# what stands on the PATH as `aws`: hands its arguments, environment, folder and streams over
CALL = """#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    told = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(line, [told], [0, 1, 2])
    sys.exit(int(line.recv(8) or 255))
"""


def answer(line, main):
    """Be `aws` for one call."""
    told, streams, *_ = socket.recv_fds(line, 2**20, 3)
    arguments, environment, folder = json.loads(told)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for name in os.environ.keys() - environment.keys() - {"AWS_DATA_PATH"}:  # its own, from loading
        del os.environ[name]
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["aws", *arguments]
    code = 255
    with contextlib.suppress(SystemExit):
        code = main()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    line.sendall(str(code).encode())


def serve(path):
    """Take calls until it is ended."""
    from awscli.clidriver import main

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies end by themselves
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                try:
                    answer(line, main)
                except Exception:
                    traceback.print_exc()
                finally:
                    os._exit(0)
            line.close()


if __name__ == "__main__":
    serve(sys.argv[1])
