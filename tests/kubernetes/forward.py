"""``python -m tests.kubernetes.forward PORT=HOST:PORT …``: loopback ports of the node that lead to the Services.

Each connection goes to the Service's own address, so kube-proxy chooses the pod, as it does for a gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def main(doors: list[str]) -> None:
    """Serve until ended."""

    async def door(near: str, far: str) -> None:
        host, port = far.rsplit(":", 1)

        async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                there, back = await asyncio.open_connection(host, int(port))
            except OSError:
                writer.close()
                return
            await asyncio.gather(_copy(reader, back), _copy(there, writer))

        server = await asyncio.start_server(arrived, "127.0.0.1", int(near))
        await server.serve_forever()

    await asyncio.gather(*(door(*spec.split("=", 1)) for spec in doors))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
