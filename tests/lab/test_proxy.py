"""The proxy: real TLS from an unmodified client, keep-alive, and every way to speak HTTP wrongly."""

import asyncio
import http.client
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest

from pytomo_scrapy.lab.authority import Authority
from pytomo_scrapy.lab.http.service_messages import Response
from pytomo_scrapy.lab.proxy import InterceptingProxy

pytestmark = pytest.mark.process


def echo(request):
    text = f"{request.method} {request.scheme} {request.host} {request.target} {request.client_address} "
    return Response(200, text.encode() + request.body, "text/plain")


@asynccontextmanager
async def proxy_with(authority, answer=echo):
    proxy = InterceptingProxy(answer, authority.server_context)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority.create(tmp_path_factory.mktemp("authority"))


def in_thread(authority, work, answer=echo):
    """Run the blocking `work(port)` in a thread while a proxy serves."""

    async def main():
        async with proxy_with(authority, answer) as proxy:
            return await asyncio.wait_for(asyncio.to_thread(work, proxy.port), 20)

    return asyncio.run(main())


def tunnel(authority, port, host):
    context = ssl.create_default_context(cafile=authority.bundle_path)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    connection.set_tunnel(host, 443)
    return connection


def exchange(port, raw):
    """Send raw bytes and return everything until the proxy hangs up."""

    async def main():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    return asyncio.run(main())


def test_proxy_connect_verified_tls_keeps_the_connection_for_several_requests(authority):
    def work(port):
        connection = tunnel(authority, port, "www.youtube.com")
        answers = []
        for number in range(3):
            connection.request("POST", f"/watch?v={number}", body=b"x" * 70_000 if number == 1 else b"body")
            answers.append(connection.getresponse().read())
        local_port = connection.sock.getsockname()[1]
        assert local_port
        connection.close()
        return answers

    first, second, third = in_thread(authority, work)
    assert first == b"POST https www.youtube.com /watch?v=0 127.0.0.1 body"
    assert second.endswith(b"/watch?v=1 127.0.0.1 " + b"x" * 70_000)
    assert b"/watch?v=2" in third


def test_proxy_plain_request_with_absolute_url_is_answered(authority):
    def work(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "http://www.youtube.com/robots.txt?a=b")
        answer = connection.getresponse().read()
        connection.close()
        return answer

    assert in_thread(authority, work) == b"GET http www.youtube.com /robots.txt?a=b 127.0.0.1 "


def test_proxy_client_that_does_not_trust_the_authority_is_left_alone(authority, tmp_path):
    stranger = Authority.create(tmp_path)

    def work(port):
        with pytest.raises(ssl.SSLCertVerificationError):
            tunnel(stranger, port, "www.youtube.com").request("GET", "/")
        connection = tunnel(authority, port, "www.youtube.com")
        connection.request("GET", "/after")
        answer = connection.getresponse().read()
        connection.close()
        return answer

    assert b"/after" in in_thread(authority, work)


def test_proxy_curl_reaches_any_host_and_decompresses(authority):
    def answer(request):
        return Response(200, b"0123456789" * 1000, "text/plain")

    def work(port):
        command = ["curl", "--silent", "--show-error", "--compressed", "--proxy", f"http://127.0.0.1:{port}"]
        return subprocess.run(
            [*command, "--cacert", str(authority.bundle_path), "--dump-header", "-", "https://m.youtube.com/"],
            capture_output=True,
            check=True,
            timeout=15,
        ).stdout

    if subprocess.run(["which", "curl"], capture_output=True, check=False).returncode:
        pytest.skip("curl is not installed")
    head, _, body = in_thread(authority, work, answer).rpartition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert body == b"0123456789" * 1000


def test_proxy_head_request_has_a_length_and_no_body(authority):
    raw = b"HEAD http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = in_thread(authority, lambda port: exchange(port, raw))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 24\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_proxy_chunked_body_is_put_together(authority):
    body = b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
    raw = b"POST http://h/p HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + body
    assert in_thread(authority, lambda port: exchange(port, raw)).endswith(b" abcdefg")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"absolute URL"),
        (b"nonsense\r\n\r\n", b"not HTTP/1.1"),
        (b"GET http://h/ HTTP/1.1\r\nno colon\r\n\r\n", b"no colon"),
        (b"POST http://h/ HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"Content-Length"),
        (b"POST http://h/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"Content-Length"),
        (b"POST http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", b"chunk"),
        (b"GET http://h/ HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b"too long"),
    ],
)
def test_proxy_malformed_request_is_answered_400_with_a_sentence(authority, raw, sentence):
    answer = in_thread(authority, lambda port: exchange(port, raw))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert sentence in answer


def test_proxy_host_without_a_certificate_is_answered_502(authority, caplog):
    raw = b"CONNECT bad/name:443 HTTP/1.1\r\n\r\n"
    assert in_thread(authority, lambda port: exchange(port, raw)).startswith(b"HTTP/1.1 502 ")


def test_proxy_bug_of_the_service_is_answered_500_and_logged(authority, caplog):
    def broken(_):
        raise RuntimeError("a bug of the lab")

    raw = b"GET http://h/ HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert in_thread(authority, lambda port: exchange(port, raw), broken).startswith(b"HTTP/1.1 500 ")
    assert "a bug of the lab" in caplog.text


def test_proxy_close_ends_idle_connections(authority):
    async def main():
        async with proxy_with(authority) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            await asyncio.sleep(0)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    asyncio.run(main())
