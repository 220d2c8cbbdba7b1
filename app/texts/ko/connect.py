"""The page Connect, in Korean."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "nav.connect": "연결",
    "nav.connect.help": "다른 MCP 클라이언트에서 이 서버들을 사용합니다.",
    "connect.title": "다른 클라이언트 연결하기",
    "connect.lead": "**이 서버들을 내 클라이언트에서 어떻게 쓸까요?** "
    "이 서버들은 어떤 MCP 클라이언트에서든 사용할 수 있습니다. 사용하는 클라이언트의 설정을 복사하십시오. 주소만 있으면 "
    "클라이언트가 스스로 Keycloak을 찾고, 로그인은 그곳에서 합니다. 토큰이나 비밀 값은 어디에도 복사하지 않습니다.",
    "connect.browsers-only": "이 데모는 여럿이 함께하는 워크숍용으로 실행 중이며, 브라우저만 받아들이고 다른 프로그램은 받아들이지 않습니다. "
    "내 클라이언트에서는 이 서버들에도, 클라이언트에 필요한 Keycloak 주소에도 연결할 수 없습니다. 내 컴퓨터에서 데모를 시작하면(`./demo up`) "
    "아래 내용을 그대로 복사해 쓸 수 있습니다.",
    "connect.server": "서버",
    "connect.address": "주소: {url}",
    "connect.client.inspector": "MCP Inspector",
    "connect.client.claude-code": "Claude Code",
    "connect.client.claude-desktop": "Claude Desktop",
    "connect.client.vscode": "VS Code",
    "connect.client.python": "Python",
    "connect.form.inspector.web": "브라우저에서 사용: 실행한 뒤 *Connect*를 누르고 로그인합니다.",
    "connect.form.inspector.cli": "터미널에서 사용: 한 번 호출하며, 로그인할 주소를 출력합니다.",
    "connect.form.claude-code.command": "터미널에서 실행한 뒤, Claude Code 안에서 `/mcp`로 로그인합니다.",
    "connect.form.claude-code.file": "또는 프로젝트 전체에 모든 서버를 추가하려면 `.mcp.json` 파일을 사용합니다.",
    "connect.form.claude-desktop.file": "모든 서버를 `claude_desktop_config.json`에 추가합니다(Settings, Developer, Edit Config).",
    "connect.form.vscode.file": "모든 서버를 작업 영역의 `.vscode/mcp.json`에 추가한 뒤, 각 항목 위의 *Start*를 누릅니다.",
    "connect.form.python.script": "전체 프로그램입니다. 로그인을 위해 브라우저가 열립니다.",
    "connect.note.inspector": "Node.js 22.19 이상이 필요합니다.",
    "connect.note.claude-code": "Claude Code가 토큰을 보관하며, 토큰이 끝나면 다시 로그인을 요청합니다.",
    "connect.note.claude-desktop": "Claude Desktop은 이 파일로 로컬 프로그램을 실행하므로 `mcp-remote`(Node.js)가 중간에서 연결합니다. "
    "Claude Desktop 자체의 사용자 지정 커넥터에는 인터넷에서 접근할 수 있는 https 주소가 필요합니다.",
    "connect.note.vscode": "VS Code는 처음 한 번 로그인 허용 여부를 묻습니다.",
    "connect.note.python": "FastMCP 클라이언트는 토큰을 메모리에 보관합니다. 실행할 때마다 새로 로그인합니다.",
    "connect.then": "그다음에 일어나는 일",
    "connect.then.found": "발견",
    "connect.then.found.text": "서버가 첫 요청을 거부하면서 {issuer}을(를) 알려 주고, 클라이언트는 그곳에서 계속합니다.",
    "connect.then.registers": "등록",
    "connect.then.registers.text": "클라이언트가 Keycloak에 스스로 등록합니다. 공개 클라이언트이며 PKCE를 사용하고 이 범위만 요청할 수 있습니다.",
    "connect.then.asked": "동의",
    "connect.then.asked.text": "Keycloak 자체 페이지에서 로그인하고 동의합니다. {read} 범위는 나를 대신해 읽도록 허용합니다.",
    "connect.then.writes": "쓰기",
    "connect.then.writes.text": "{write} 범위는 나를 대신해 변경하도록 허용합니다. 이를 요청하지 않은 클라이언트의 변경은 거부됩니다.",
    "connect.then.acts": "사용",
    "connect.then.acts.text": "모든 호출은 Vault에 있는 나의 {server} 자격 증명을 사용합니다. 클라이언트는 그것을 볼 수 없습니다.",
    "connect.then.ends": "종료",
    "connect.then.ends.text": "Keycloak 세션이 끝나면 약 1초 뒤에 모든 곳에서 거부됩니다.",
}
