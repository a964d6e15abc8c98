#!/usr/bin/env python3
"""Makes shared/src/signature/vectors.json: keys, certificates and signatures by Python's cryptography, each signature found
good by the verifier that Glance uses (cursive). The file is committed, so that tests need neither; dates in it lie around
2026-10-01, the time of the tests' clock.   usage: vectors.py [--check]   needs: cryptography, and cursive for --check"""

import base64
import datetime
import json
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509.oid import NameOID

OUT = pathlib.Path(__file__).parents[2] / "shared/src/signature/vectors.json"
DATA = bytes(at * 7 % 251 for at in range(1000))
HASHES = {"SHA-224": hashes.SHA224(), "SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}
FROM, UNTIL = datetime.datetime(2026, 1, 1), datetime.datetime(2036, 1, 1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer=None, issuer_key=None, dates=(FROM, UNTIL), ca=None, sign=True, path=None, digest=None):
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer or subject))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(dates[0]).not_valid_after(dates[1])
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
        builder = builder.add_extension(
            x509.KeyUsage(not ca, False, False, False, False, ca and sign, ca, False, False), critical=True)
    made = builder.sign(issuer_key or key, digest or hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def signed(key, method):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(DATA, padding.PSS(mgf=padding.MGF1(method), salt_length=padding.PSS.MAX_LENGTH), method)
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(DATA, method)
    return key.sign(DATA, ec.ECDSA(method))


def make():
    keys = {
        "rsa": ("RSA-PSS", rsa.generate_private_key(65537, 2048)),
        # A modulus of 8n + 1 bits: its padding is one byte shorter than its signature.
        "rsa-odd": ("RSA-PSS", rsa.generate_private_key(65537, 1041)),
        "dsa-1024": ("DSA", dsa.generate_private_key(1024)),
        "dsa": ("DSA", dsa.generate_private_key(2048)),
        "p384": ("ECC_SECP384R1", ec.generate_private_key(ec.SECP384R1())),
        "p521": ("ECC_SECP521R1", ec.generate_private_key(ec.SECP521R1())),
    }
    certificates = {label: certificate(label, key) for label, (_, key) in keys.items()}
    signatures = [
        {"certificate": label, "key_type": kind, "hash": method, "signature": base64.b64encode(signed(key, HASHES[method])).decode()}
        for label, (kind, key) in keys.items() for method in HASHES
    ]
    short = keys["rsa"][1].sign(DATA, padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())

    root, middle, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    old, new = (FROM - datetime.timedelta(365), FROM), (UNTIL, UNTIL + datetime.timedelta(365))
    rsa_root, dsa_root = rsa.generate_private_key(65537, 2048), keys["dsa"][1]
    p384, p521 = keys["p384"][1], keys["p521"][1]
    chain = {
        "root": certificate("root", root, ca=True),
        "root-short": certificate("root", root, ca=True, path=0),
        "root-expired": certificate("root", root, ca=True, dates=old),
        "root-no-sign": certificate("root", root, ca=True, sign=False),
        "root-no-ca": certificate("root", root, ca=False),
        "root-bare": certificate("root", root),
        "root-other": certificate("root", middle, ca=True),
        "middle": certificate("middle", middle, "root", root, ca=True),
        "leaf": certificate("leaf", leaf, "middle", middle, ca=False),
        "leaf-of-root": certificate("leaf", leaf, "root", root, ca=False),
        "leaf-expired": certificate("leaf", leaf, "root", root, dates=old),
        "leaf-early": certificate("leaf", leaf, "root", root, dates=new),
        "rsa-root": certificate("rsa root", rsa_root, ca=True, digest=hashes.SHA512()),
        "leaf-of-rsa": certificate("leaf", leaf, "rsa root", rsa_root, digest=hashes.SHA384()),
        "dsa-root": certificate("dsa root", dsa_root, ca=True),
        "leaf-of-dsa": certificate("leaf", leaf, "dsa root", dsa_root),
        "p384-root": certificate("p384 root", p384, ca=True, digest=hashes.SHA384()),
        "leaf-of-p384": certificate("leaf", leaf, "p384 root", p384, digest=hashes.SHA384()),
        "p521-root": certificate("p521 root", p521, ca=True, digest=hashes.SHA512()),
        "leaf-of-p521": certificate("leaf", leaf, "p521 root", p521, digest=hashes.SHA512()),
        # Two authorities that vouch for each other, and nobody for them.
        "ring-a": certificate("a", root, "b", middle, ca=True),
        "ring-b": certificate("b", middle, "a", root, ca=True),
        "leaf-of-ring": certificate("leaf", leaf, "a", root),
    }
    vectors = {
        "certificates": certificates, "signatures": signatures, "chain": chain,
        "short_salt": base64.b64encode(short).decode(),
    }
    OUT.write_text(json.dumps(vectors, indent=1) + "\n")


def check():
    from cursive import signature_utils as cursive

    vectors, checked = json.loads(OUT.read_text()), 0

    def good(label, kind, method, signature):
        public = x509.load_pem_x509_certificate(vectors["certificates"][label].encode()).public_key()
        verifier = cursive.SignatureKeyType.lookup(kind).create_verifier(
            cursive.get_signature(signature), cursive.get_hash_method(method), public)
        verifier.update(DATA)
        verifier.verify()

    for each in vectors["signatures"]:
        good(each["certificate"], each["key_type"], each["hash"], each["signature"])
        checked += 1
    # It asks for the longest salt, which OpenSSL takes for any when it verifies.
    good("rsa", "RSA-PSS", "SHA-256", vectors["short_salt"])
    print(f"{checked + 1} passed, 0 failed")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else make()
