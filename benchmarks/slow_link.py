#!/usr/bin/env python3
"""A TCP link that delays: what comes in at a port of the loopback interface arrives at a server so much later, and the answers too.

  slow_link.py 127.0.0.1:8000 [--delay 20] [--port 0]

--delay    milliseconds each way
--port     to listen at; 0 for any that is free

Prints its address. Nothing waits for what is under way: only the latency grows, not the throughput shrinks.
"""
import argparse, asyncio, threading


async def carry(reader, writer, delay):
    """Sends each piece so long after it has come."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue(256)

    async def send():
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not piece:
                writer.close()
                return
            writer.write(piece)
            await writer.drain()

    sender = asyncio.create_task(send())
    try:
        while piece := await reader.read(1 << 18):
            await pieces.put((loop.time() + delay, piece))
    except OSError:
        pass
    await pieces.put((loop.time() + delay, b""))
    await asyncio.wait([sender])


async def serve(server, delay, port=0):
    """Listens; the port is that of the first socket of the result."""
    host, _, number = server.rpartition(":")

    async def accept(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(number))
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer, delay), carry(far_reader, writer, delay))

    return await asyncio.start_server(accept, "127.0.0.1", port)


def start(server, milliseconds):
    """Starts a link in this process, as long as that lives; returns its address."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    listening = asyncio.run_coroutine_threadsafe(serve(server, milliseconds / 1000), loop).result()
    return "127.0.0.1:%d" % listening.sockets[0].getsockname()[1]


async def main(options):
    server = await serve(options.server, options.delay / 1000, options.port)
    print("127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--delay", type=float, default=20)
    parser.add_argument("--port", type=int, default=0)
    try:
        asyncio.run(main(parser.parse_args()))
    except KeyboardInterrupt:
        pass
