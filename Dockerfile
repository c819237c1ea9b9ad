# The image of `quarl`: docs/docker.md. Any Debian 12 may be the base, for example one that debootstrap made.
ARG BASE=debian:12-slim

FROM ${BASE} AS python
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*


# All Python packages, at the versions of constraints.txt. A change of our own sources does not come here.
FROM python AS packages
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/quarl/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_DEFAULT_TIMEOUT=180
# Another index than pip's own, and, as the secret `ca`, the certificates of a network that has its own.
ARG PIP_INDEX_URL
WORKDIR /build
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/quarl \
    && pip install --constraint constraints.txt setuptools wheel==0.45.1
# The index that has torch for the CPU alone. Empty: pip's own, whose torch brings 3.6 GB of CUDA along.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    [ -z "$TORCH_INDEX" ] || pip install --no-deps --constraint constraints.txt --index-url "$TORCH_INDEX" torch
COPY pyproject.toml ./
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
print(*project["dependencies"], *project["optional-dependencies"]["tasks"], sep="\n")' > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt \
    && pip check


FROM packages AS wheel
COPY README.md LICENSE ./
COPY quarl quarl
COPY host host
COPY models models
COPY hw hw
COPY build_flows build_flows
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .


FROM python AS quarl
# g++ compiles the emulator. The rest is for a Vivado that is mounted: docs/docker.md says what each is for.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ locales libtinfo5 libncurses5 libx11-6 libxext6 libxrender1 \
        libxtst6 libxi6 libfreetype6 fontconfig \
    && localedef --inputfile=en_US --charmap=UTF-8 en_US.UTF-8 \
    && rm -rf /var/lib/apt/lists/*
# Any user id may run it (`--user`): home, cache and work folder are for all.
RUN useradd --uid 1000 quarl && install --directory --mode=1777 /home/quarl /cache /work
ENV PATH=/opt/quarl/bin:$PATH LANG=en_US.UTF-8 HOME=/home/quarl USER=quarl QUARL_CACHE=/cache
COPY --from=packages /opt/quarl /opt/quarl
COPY --from=wheel /wheels /opt/wheels
RUN pip install --no-cache-dir --no-deps --no-index /opt/wheels/*.whl
USER quarl
WORKDIR /work
ENTRYPOINT ["quarl"]
CMD ["--help"]
