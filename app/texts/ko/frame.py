"""What surrounds every page, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "app.title": "MCP Remote Vault",
    "nav.group.use": "사용",
    "nav.group.look": "들여다보기",
    "nav.group.attack": "공격",
    "nav.group.learn": "워크숍과 프로그램",
    "nav.home": "홈",
    "nav.home.help": "이 데모가 무엇인지, 지금 누구로 로그인했는지, 모든 구성 요소가 동작하는지 보여 줍니다.",
    "nav.tools": "MCP 도구",
    "nav.tools.help": "원격 MCP 서버의 도구를 불러와 본인 자격으로 실행하고, 그 과정을 확인합니다.",
    "nav.watch": "호출 지켜보기",
    "nav.watch.help": "두 사람이 부른 같은 도구를 한 단계씩: 무엇이 결정하는지.",
    "nav.agents": "에이전트",
    "nav.agents.help": "자체 인증서를 가진 프로그램입니다. 상호 TLS로 토큰을 받아 사용하고 폐기합니다.",
    "account.sign-in": "로그인",
    "account.sign-out": "로그아웃",
    "account.signed-in": "{username} 님으로 로그인됨",
    "account.language": "언어",
    "session.ended": "세션이 종료되었습니다. 다시 로그인하십시오.",
    "session.needed": "이 페이지를 사용하려면 로그인하십시오.",
    "host.wrong": "이 앱은 {address} 주소로 여십시오. 입력한 주소는 이 컴퓨터의 다른 이름이거나 다른 곳의 이름이므로 응답하지 "
    "않습니다.",
    "error.unexpected": "앱에서 문제가 발생했습니다. 페이지를 새로 고치십시오. 자세한 내용은 `./demo logs app`에서 볼 수 있습니다.",
}
