"""What a command costs: time, CPU of the client and of the servers, memory, bytes on the loopback interface."""
import os, pathlib, subprocess, time

TICK = os.sysconf("SC_CLK_TCK")


def servers_folder():
    """Where deploy/local keeps what it runs."""
    state = pathlib.Path(os.environ.get("XDG_STATE_HOME", pathlib.Path.home() / ".local/state"))
    return pathlib.Path(os.environ.get("VECFERRY_SERVERS", state / "vecferry/servers"))


def processes(server):
    """For each process of a server, which is a process group of its own: what /proc says of it, from its state on."""
    try:
        group = (servers_folder() / server / "pid").read_text().split()[0]
    except OSError:
        return
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == group:
            yield fields


def cpu_seconds(server):
    """None when the server was not started by deploy/local, or there is none."""
    ticks = [sum(int(field) for field in fields[11:15]) for fields in processes(server)] if server else []
    return sum(ticks) / TICK if ticks else None


def resident_mb(server):
    return sum(int(fields[21]) for fields in processes(server)) * os.sysconf("SC_PAGE_SIZE") / 2**20


def loopback_bytes():
    line = next(line for line in pathlib.Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[0])


def idle_bytes_per_second(seconds=2):
    before = loopback_bytes()
    time.sleep(seconds)
    return (loopback_bytes() - before) / seconds


class Meter:
    """Reads before and after. Bytes are all that the loopback interface carries, less what it carried when nothing was running; what a
    server's parts say to each other is in them."""

    def __init__(self, source, target):
        self.servers = {"source": source, "target": target}
        self.idle = idle_bytes_per_second()
        self.cpu = {role: cpu_seconds(server) for role, server in self.servers.items()}
        self.bytes = loopback_bytes()
        self.start = time.time()

    def read(self):
        wall = time.time() - self.start
        figures = {"wall s": wall, "wire MB": max(0, loopback_bytes() - self.bytes - self.idle * wall) / 1e6}
        for role, server in self.servers.items():
            if self.cpu[role] is not None:
                figures[f"{role} cpu s"] = cpu_seconds(server) - self.cpu[role]
        return figures


def run(command, log, source, target, environment=None, folder=None):
    """Figures of a command and of what it starts, and whether it succeeded."""
    meter = Meter(source, target)
    with open(log, "w") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    return {**meter.read(), "client cpu s": usage.ru_utime + usage.ru_stime, "peak MB": usage.ru_maxrss / 1024}, status == 0


def disk(folder, scratch):
    """Seconds to write as many bytes as a folder has, with fsync, and to read them from the disk."""
    size = sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())
    block = os.urandom(8 << 20)
    start = time.time()
    with open(scratch, "wb", buffering=0) as file:
        for at in range(0, size, len(block)):
            file.write(block[: min(len(block), size - at)])
        os.fsync(file.fileno())
        written = time.time() - start
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    start = time.time()
    with open(scratch, "rb", buffering=0) as file:
        while file.read(len(block)):
            pass
    os.unlink(scratch)
    return size, written, time.time() - start
