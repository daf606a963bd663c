"""What the worker's tests run in its child; a module of its own, because the child must be able to import it."""

from __future__ import annotations

import ctypes
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pytomo_scrapy.config import ResolveConfig
from pytomo_scrapy.failures import MeasurementError
from pytomo_scrapy.items import VideoItem


def add(left: int, right: int) -> int:
    return left + right


def add_later(left: int, right: int, after_s: float) -> int:
    time.sleep(after_s)
    return left + right


def own_pid() -> int:
    return os.getpid()


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(7)


def hang() -> None:
    time.sleep(60)


def fail_with_class() -> None:
    raise MeasurementError("bad_response", "as told")


def fail_unforeseen() -> None:
    raise ValueError("not foreseen")


def give_unpicklable() -> Callable[[], int]:
    return lambda: 1


def give_many_bytes(count: int) -> str:
    return "x" * count


def count_up(limit: int, *, progress: Callable[[int], None]) -> str:
    for number in range(limit):
        progress(number)
    return "done"


def interrupt_self() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return "still here"


def hang_with_file(directory: str) -> None:
    Path(directory, "spool").write_bytes(b"half of a body")
    time.sleep(60)


def own_environment() -> str:
    return Path("/proc/self/environ").read_text() + "\n".join(f"{name}={value}" for name, value in os.environ.items())


def own_status() -> str:
    core = resource.getrlimit(resource.RLIMIT_CORE)[0]
    return Path("/proc/self/status").read_text() + f"core:\t{core}\n"


def _attempted(action: Callable[[], object]) -> str:
    try:
        action()
    except PermissionError:
        return "denied"
    return "done"


def open_a_socket(folder: str) -> str:
    return _attempted(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())


def write_a_file(folder: str) -> str:
    return _attempted(lambda: Path(folder, "new").write_text("new"))


def remove_a_file(folder: str) -> str:
    return _attempted(Path(folder, "file").unlink)


def read_a_file(folder: str) -> str:
    return _attempted(Path(folder, "file").read_text) if Path(folder, "file").exists() else "done"


def read_the_parents_environment(folder: str) -> str:
    return _attempted(Path(f"/proc/{os.getppid()}/environ").read_bytes)


def start_a_program(folder: str) -> str:
    return _attempted(lambda: subprocess.run([sys.executable, "-c", ""], check=True))


def signal_the_parent(folder: str) -> str:
    return _attempted(lambda: os.kill(os.getppid(), 0))


def take_memory(count: int) -> int:
    return len(bytearray(count))


def fill_memory(count: int) -> int:
    text = "x" * count
    time.sleep(5)
    return len(text)


def wait_for_a_program(path: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as program:
        Path(path).write_text(str(program.pid))
        program.wait()


def leave_a_thread(seconds: float) -> int:
    threading.Thread(target=time.sleep, args=(seconds,), daemon=True).start()
    return os.getpid()


def take_apart(item: VideoItem, config: ResolveConfig) -> tuple[str, float]:
    return item.video_id, config.timeout_s


class _Code:
    """Writes a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (self._path, "w")


def answer_with_code(path: str) -> int:
    return answer_with(pickle.dumps(("result", _Code(path))).hex())


def answer_with(hex_message: str) -> int:
    message = bytes.fromhex(hex_message)
    _say(struct.pack("!Q", len(message)) + message)
    return 0


def announce(length: int) -> int:
    _say(struct.pack("!Q", length))
    return 0


def _say(message: bytes) -> None:
    frame = sys._getframe()
    while "channel" not in frame.f_locals:  # of whoever called the call
        frame = frame.f_back
    frame.f_locals["channel"].sendall(message)
    time.sleep(60)


def fail_with_text(text: str) -> None:
    raise ValueError(text)


def fail_to_encode(text: str) -> None:
    text.encode("ascii")
