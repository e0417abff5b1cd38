# The hub's image: the application and what it needs to run, from locked versions, as a user without rights.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY locks/run.txt locks/build.txt locks/
RUN python -m venv /opt/enlace \
 && /opt/enlace/bin/pip install --require-hashes --requirement locks/run.txt \
 && python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes --requirement locks/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY hub hub
COPY connectors connectors
COPY schemas schemas
COPY profiles profiles
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/dist . \
 && /opt/enlace/bin/pip install --no-deps /build/dist/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin enlace
COPY --from=build /opt/enlace /opt/enlace
ENV PATH=/opt/enlace/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /opt/enlace
CMD ["enlace", "--help"]
