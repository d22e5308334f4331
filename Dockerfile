# One image for every role. Not built or run by this project's tests: see docs/operating.md.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements-uv.lock requirements.lock ./
RUN python -m venv /opt/entrepot \
    && /opt/entrepot/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && VIRTUAL_ENV=/opt/entrepot /opt/entrepot/bin/uv pip sync --no-cache --compile-bytecode --require-hashes requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN VIRTUAL_ENV=/opt/entrepot /opt/entrepot/bin/uv pip install --no-cache --compile-bytecode --no-deps . \
    && /opt/entrepot/bin/pip uninstall --yes uv

FROM python:3.13-slim
COPY --from=build /opt/entrepot /opt/entrepot
RUN useradd --system --create-home --home-dir /var/lib/entrepot entrepot \
    && install -d -o entrepot -g entrepot /var/lib/entrepot/data
ENV PATH=/opt/entrepot/bin:$PATH \
    ENTREPOT_DATA=/var/lib/entrepot/data \
    PYTHONUNBUFFERED=1
USER entrepot
WORKDIR /var/lib/entrepot
VOLUME /var/lib/entrepot/data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["entrepot", "up", "--host", "0.0.0.0"]
