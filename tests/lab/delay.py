# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TCP proxies on 127.0.0.1 that add a delay, as a far network would: ``delay.py --milliseconds 100 LISTEN:TARGET …``.

Half of the delay is added in each direction, whatever the size of what is sent; many connections wait side by side.
"""

from __future__ import annotations

import argparse
import asyncio

CHUNK = 1 << 16


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Send what comes in, each piece after the delay; pieces do not wait for one another."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    clock = asyncio.get_running_loop().time

    async def send() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                break
            writer.write(data)
            await writer.drain()

    sender = asyncio.create_task(send())
    try:
        while not sender.done():
            data = await reader.read(CHUNK)
            queue.put_nowait((clock() + seconds, data))
            if not data:
                break
        await sender
        if writer.can_write_eof():
            writer.write_eof()
    except (ConnectionError, OSError):
        sender.cancel()


async def _serve(listen: int, target: int, seconds: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_forward(reader, back, seconds), _forward(there, writer, seconds))
        for stream in (writer, back):
            stream.close()

    server = await asyncio.start_server(connected, "127.0.0.1", listen, backlog=512)
    async with server:
        await server.serve_forever()


async def _all(pairs: list[str], milliseconds: float) -> None:
    ports = [tuple(int(port) for port in pair.split(":")) for pair in pairs]
    await asyncio.gather(*(_serve(listen, target, milliseconds / 2000) for listen, target in ports))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=float, default=100)
    parser.add_argument("pairs", nargs="+", metavar="LISTEN:TARGET")
    arguments = parser.parse_args()
    asyncio.run(_all(arguments.pairs, arguments.milliseconds))
