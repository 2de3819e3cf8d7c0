# syntax=docker/dockerfile:1
# Two images from one file: `--target producer` has no TensorFlow, `--target worker` has it.
# What builds stays behind in the build stages; each image gets one finished virtual environment and an ordinary user.

FROM python:3.13-slim AS build-producer
ENV PIP_CACHE_DIR=/var/cache/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE nightshift_start.py ./
COPY data/spam.pb data/
COPY formats formats/
COPY graphs graphs/
COPY jobs jobs/
COPY model model/
COPY producer producer/
COPY worker worker/
RUN --mount=type=cache,target=/var/cache/pip \
    pip install -c constraints.txt .

FROM build-producer AS build-worker
RUN --mount=type=cache,target=/var/cache/pip \
    pip install -c constraints.txt '.[worker]'

FROM python:3.13-slim AS runtime
LABEL org.opencontainers.image.title="Nightshift" \
      org.opencontainers.image.description="Scores messages in bulk, and proves that every record was scored exactly once." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PATH=/opt/venv/bin:$PATH
RUN groupadd --gid 10001 nightshift \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nightshift
USER 10001:10001

FROM runtime AS worker
COPY --from=build-worker /opt/venv /opt/venv
CMD ["celery", "-A", "worker", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]

# Last, so that a build which names no target makes the small one.
FROM runtime AS producer
COPY --from=build-producer /opt/venv /opt/venv
WORKDIR /data
ENTRYPOINT ["producer"]
CMD ["--help"]
