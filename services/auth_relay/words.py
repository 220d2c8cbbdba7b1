"""What the relay's pages say, in the language that the browser asks for. Errors are in ``common/speech``."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Sign in for {chatbot}",
        "ask": "{chatbot} wants to act as you",
        "who": "It will be the chat of {user}: whoever writes there has {chatbot} use your tools in your name, until"
        " you take that back.",
        "warn": "Go on only if you asked for this in your own chat. If somebody sent you this link, or a code, close"
        " this page: it would be their chat that acts as you.",
        "label": "Code that your chat shows",
        "do": "Continue to sign in",
        "small": "Keycloak asks for your password next, even if you are signed in, and whether you agree. Your password"
        " is typed there only. This link can be used once.",
        "failed": "The sign-in did not work",
        "code": "Error:",
    },
    "ko": {
        "title": "{chatbot} 로그인",
        "ask": "{chatbot}이(가) 나를 대신하려고 합니다",
        "who": "{user}의 채팅입니다. 그 채팅에 글을 쓰는 사람은 권한을 거둘 때까지 {chatbot}이(가)"
        " 내 이름으로 내 도구를 사용하게 할 수 있습니다.",
        "warn": "자신의 채팅에서 직접 요청한 경우에만 계속하십시오. 다른 사람이 이 링크나 코드를"
        " 보냈다면 이 페이지를 닫으십시오. 그 사람의 채팅이 나를 대신하게 됩니다.",
        "label": "채팅에 표시된 코드",
        "do": "로그인 계속하기",
        "small": "다음으로 Keycloak이 로그인되어 있어도 비밀번호와 동의를 묻습니다. 비밀번호는"
        " Keycloak에서만 입력합니다. 이 링크는 한 번만 쓸 수 있습니다.",
        "failed": "로그인하지 못했습니다",
        "code": "오류:",
    },
}
"""By language; ``{chatbot}`` and ``{user}`` are filled in as HTML."""
