"""The pages of the sign-in routes, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "page.back": "앱으로 돌아가기",
    "page.again": "다시 로그인",
    "page.login-failed": "로그인하지 못했습니다",
    "page.logout-failed": "로그아웃하지 못했습니다",
    "login.cancelled": "로그인이 취소되었습니다.",
    "login.cancelled.fix": "원할 때 다시 시작하십시오.",
    "login.refused": "Keycloak이 “{error}” 오류로 로그인을 끝냈습니다.",
    "login.refused.fix": "다시 로그인하십시오. 계속되면 `./demo logs keycloak`에서 자세한 내용을 볼 수 있습니다.",
    "login.level": "Keycloak이 “{given}” 수준으로 로그인했지만 “{demanded}” 수준이 필요합니다. 승인된 것은 없습니다.",
    "login.level.fix": "요청을 다시 열어 로그인을 새로 시작하십시오. 계속되면 Keycloak 관리자에게 문의하십시오.",
    "login.unknown": "이 로그인은 이 브라우저에서 시작되지 않았거나, 이미 사용되었거나, 10분을 넘겼습니다.",
    "login.unknown.fix": "앱에서 다시 시작하십시오.",
    "logout.refused": "로그아웃 요청이 이 앱에서 오지 않았습니다.",
    "logout.refused.fix": "앱의 버튼을 사용하십시오.",
    "logout.use-button": "로그아웃하려면 앱의 버튼을 눌러야 합니다.",
    "logout.use-button.fix": "링크만으로는 로그아웃되지 않아야 하기 때문입니다.",
}
