"""server.py [CERT KEY]: a loopback API that knows credentials with an even number at their end.

Prints its port, then answers `Authorization: Bearer …N` with 200 or 401 until its input ends.
"""
import asyncio
import ssl
import sys

YES = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: 15\r\n\r\n{\"active\":true}"
NO = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n%scontent-length: 16\r\n\r\n{\"active\":false}"
ANSWERS = {(known, last): (YES if known else NO) % (b"connection: close\r\n" if last else b"") for known in (0, 1) for last in (0, 1)}


class API(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            start = head.find(b"Authorization: Bearer ")
            value = head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None]
            is_last = b"Connection: close" in head
            self.transport.write(ANSWERS[value[-1:] in b"02468", is_last])
            if is_last:
                self.transport.close()


async def main():
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(API, "127.0.0.1", 0, backlog=1024, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
