"""Forged JWTs, made without any library that would refuse to: pure, from a genuine token and keys of our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Header, payload and signature (still encoded) of a compact JWS (RFC 7515 §3.1)."""
    header, payload, signature = token.split(".")
    return _decoded(header), _decoded(payload), signature


def unsigned(token: str) -> str:
    """The same claims with ``alg: none`` and no signature (RFC 7519 §6)."""
    header, payload, _ = parts(token)
    return f"{_encoded({**header, 'alg': 'none'})}.{_encoded(payload)}."


def altered(token: str, **claims: Any) -> str:
    """Some claims replaced, the signature left as it was."""
    header, payload, signature = parts(token)
    return f"{_encoded(header)}.{_encoded({**payload, **claims})}.{signature}"


def resigned(token: str, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """The claims signed with RS256 by a key of the attacker's own; by default the header still names Keycloak's."""
    old, payload, _ = parts(token)
    signed = f"{_encoded({**old, **(header or {})})}.{_encoded({**payload, **claims})}"
    signature = attackers_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_b64(signature)}"


def confused(token: str, jwk: Mapping[str, Any]) -> str:
    """The claims signed with HS256, with Keycloak's *public* key as the shared secret (RFC 8725 §2.1)."""
    header, payload, _ = parts(token)
    number = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"]))
    pem = number.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_encoded({**header, 'alg': 'HS256'})}.{_encoded(payload)}"
    return f"{signed}.{_b64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


@cache
def attackers_key() -> rsa.RSAPrivateKey:
    """A key that no server of ours has ever heard of."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def attackers_jwk() -> dict[str, str]:
    """Its public half (RFC 7517 §4)."""
    numbers = attackers_key().public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": "attacker",
        "use": "sig",
        "alg": "RS256",
        "n": _b64(numbers.n.to_bytes(256, "big")),
        "e": _b64(numbers.e.to_bytes(3, "big")),
    }


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _encoded(part: Mapping[str, Any]) -> str:
    return _b64(json.dumps(part, separators=(",", ":")).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
