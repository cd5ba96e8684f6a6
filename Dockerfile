# halluc on a CPU. For a GPU: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
ARG PYTHON=3.11.13-slim-bookworm
FROM python:${PYTHON} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY constraints.txt ./
# torch first, by itself: it is large, and seldom changes.
RUN python -m venv /opt/halluc \
    && /opt/halluc/bin/python -m pip install --no-cache-dir -c constraints.txt --index-url "${TORCH_INDEX}" torch
ARG EXTRAS=serve
COPY pyproject.toml README.md LICENSE ./
COPY halluc halluc
RUN /opt/halluc/bin/python -m pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]"

FROM python:${PYTHON}
RUN useradd --create-home --uid 10001 halluc && install -d -o 10001 /work
COPY --from=build /opt/halluc /opt/halluc
ENV PATH=/opt/halluc/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /work
EXPOSE 8000
# Of `halluc serve` on its usual port, which is what the image runs by default.
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["halluc"]
CMD ["serve", "/srv/run", "--host", "0.0.0.0"]
