"""A TCP proxy that hands on every byte late: slow_link.py PORT HOST:PORT MILLISECONDS.

Each chunk waits for itself, so that a link is slow and not narrow.
"""

import asyncio
import contextlib
import sys

CHUNK_BYTES = 1 << 16
CHUNKS_UNDER_WAY = 4096  # of one direction of a connection


async def take(reader, under_way, delay):
    clock = asyncio.get_running_loop()
    while chunk := await reader.read(CHUNK_BYTES):
        await under_way.put((clock.time() + delay, chunk))
    await under_way.put((clock.time() + delay, b""))


async def hand_on(under_way, writer):
    clock = asyncio.get_running_loop()
    while True:
        due, chunk = await under_way.get()
        await asyncio.sleep(max(0, due - clock.time()))
        if not chunk:
            return
        writer.write(chunk)
        await writer.drain()


async def one_way(reader, writer, delay):
    under_way = asyncio.Queue(CHUNKS_UNDER_WAY)
    taking = asyncio.create_task(take(reader, under_way, delay))
    try:
        with contextlib.suppress(OSError):
            await hand_on(under_way, writer)
    finally:
        taking.cancel()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await taking
        writer.close()


async def main(port, target, delay):
    async def connected(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(one_way(reader, far_writer, delay), one_way(far_reader, writer, delay))

    server = await asyncio.start_server(connected, "0.0.0.0", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    host, _, far_port = sys.argv[2].rpartition(":")
    asyncio.run(main(int(sys.argv[1]), (host, int(far_port)), float(sys.argv[3]) / 1000))
