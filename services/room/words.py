"""What the page with the room's certificate says, in the language that the browser asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Join the workshop",
        "why": "The workshop's pages are encrypted with a certificate of its own, which your device does not know yet."
        " Install the workshop's authority once; then the pages open without a warning.",
        "compare": "This page itself is not encrypted, so somebody in the same network could have changed it. Compare"
        " the fingerprint (SHA-256) that your device shows with the one in front of the room, before you trust it:",
        "get": "Download the certificate",
        "pem": "as PEM",
        "go": "Then open the workshop",
        "scan": "This page, to scan:",
        "how": "How to install it",
        "limits": "The authority vouches for {address} alone, until {until}. Remove it after the workshop.",
        "limits-ip": "The authority vouches for no host name, until {until}; of IP addresses it should vouch for"
        " {address} alone, which this kind of authority cannot enforce everywhere. Remove it after the workshop.",
    },
    "ko": {
        "title": "워크숍 참가하기",
        "why": "워크숍 페이지는 워크숍 자체 인증서로 암호화되며, 기기는 이 인증서를 아직 모릅니다. 워크숍의 인증 기관을"
        " 한 번 설치하면 경고 없이 페이지가 열립니다.",
        "compare": "이 페이지는 암호화되지 않으므로 같은 네트워크의 누군가가 바꿨을 수 있습니다. 신뢰하기 전에 기기에"
        " 표시된 지문(SHA-256)이 강의실 화면의 지문과 같은지 확인하십시오.",
        "get": "인증서 내려받기",
        "pem": "PEM 형식",
        "go": "그다음 워크숍 열기",
        "scan": "이 페이지의 QR 코드:",
        "how": "설치 방법",
        "limits": "이 인증 기관은 {until}까지 {address}만 보증합니다. 워크숍이 끝나면 삭제하십시오.",
        "limits-ip": "이 인증 기관은 {until}까지 어떤 호스트 이름도 보증하지 않습니다. IP 주소는 {address}만 보증해야"
        " 하지만, 이런 인증 기관으로는 모든 기기에서 이를 강제할 수 없습니다. 워크숍이 끝나면 삭제하십시오.",
    },
}
"""By language; ``{address}`` and ``{until}`` are filled in as HTML."""

STEPS: Mapping[str, Sequence[tuple[str, str]]] = {
    "en": (
        ("iPhone, iPad", "Settings, Profile downloaded, Install; then General, About, Certificate Trust Settings: on."),
        ("Android", "Settings, search for “CA certificate”, Install anyway, choose the file."),
        ("Windows", "Open the file, Install certificate, Current user, Trusted Root Certification Authorities."),
        ("macOS", "Open the file, add it to Keychain Access; there open it, Trust, Always trust."),
        ("Firefox", "Settings, Privacy & Security, View certificates, Authorities, Import, for websites."),
        ("Chrome on Linux", "Settings, Privacy and security, Security, Manage certificates, Authorities, Import."),
    ),
    "ko": (
        ("iPhone, iPad", "설정, 프로파일이 다운로드됨, 설치. 그다음 일반, 정보, 인증서 신뢰 설정에서 켭니다."),
        ("Android", "설정에서 “CA 인증서”를 검색하고, 무시하고 설치를 누른 뒤 파일을 선택합니다."),
        ("Windows", "파일을 열고 인증서 설치, 현재 사용자, 신뢰할 수 있는 루트 인증 기관을 선택합니다."),
        ("macOS", "파일을 열어 키체인 접근에 추가하고, 거기서 열어 신뢰, 항상 신뢰를 선택합니다."),
        ("Firefox", "설정, 개인 정보 및 보안, 인증서 보기, 인증 기관, 가져오기, 웹사이트 식별."),
        ("Linux의 Chrome", "설정, 개인 정보 보호 및 보안, 보안, 인증서 관리, 인증 기관, 가져오기."),
    ),
}
"""By language: a device, and the way there."""
