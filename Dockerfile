# Fairlead: Node, what Node loads, production dependencies and src/ as it is. No shell, no package manager, no tests.
# `make image` builds it without a registry of images, on a base image of this machine.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY hack/no-axios hack/no-axios
# Where packages come from, and who may fetch them, is mounted for this one step (secrets `npmrc` and `ca`, both
# optional) and gets into no layer. Dependencies run no script of theirs. A link into hack/ becomes a folder.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    npm ci --omit=dev --ignore-scripts --install-links --no-audit --no-fund --cache=/tmp/npm
COPY . .

# /image/node changes with Node, /image/dependencies with the lock file, /image/fairlead with each version.
RUN set -eu; \
    node="$(readlink -f "$(command -v node)")"; \
    mkdir -p /image/node/usr/local/bin /image/node/etc /image/dependencies/app /image/fairlead/app; \
    cp "$node" /image/node/usr/local/bin/node; \
    libraries="$(ldd "$node")"; \
    for file in $(echo "$libraries" | grep -o '/[^ )]*'); do cp -L --parents "$file" /image/node; done; \
    echo 'nonroot:x:65532:65532:nonroot:/app:/sbin/nologin' > /image/node/etc/passwd; \
    echo 'nonroot:x:65532:' > /image/node/etc/group; \
    echo 'hosts: files dns' > /image/node/etc/nsswitch.conf; \
    find node_modules -type f '(' -name '*.d.ts' -o -name '*.d.[cm]ts' -o -name '*.map' ')' -delete; \
    find node_modules -type d -empty -delete; \
    rm -rf node_modules/.bin node_modules/.package-lock.json; \
    mv node_modules /image/dependencies/app/; \
    mv LICENSE package.json src config /image/fairlead/app/; \
    chmod -R a+rX,go-w /image

# Node starts with the libraries of the image, and every role loads with its packages: with what is there and nothing else.
# What Node makes of the sources meanwhile is kept where it looks for it at run time (in a folder with the user's id), for
# the same flags and paths: a start takes half the time, and 20 to 30 MB less for each process.
RUN set -eu; \
    chroot /image/node /usr/local/bin/node --version; \
    mkdir -p /app /image/cache/app; \
    cp -R /image/dependencies/app/. /image/fairlead/app/. /app/; \
    cd /app; \
    node --input-type=module -e "await import('@kubernetes/client-node')"; \
    export NODE_COMPILE_CACHE=/image/cache/app/compile-cache; \
    flags='--disable-sigusr1 --report-exclude-env --optimize-for-size'; \
    for role in admission certificates controller keys; do \
      node $flags --input-type=module -e "await import('/app/src/roles/$role.ts')"; \
    done; \
    node $flags src/main.ts 2>/dev/null || test $? = 2; \
    for folder in "$NODE_COMPILE_CACHE"/*-0; do mv "$folder" "${folder%-0}-65532"; done; \
    chmod -R a+rX,go-w /image/cache

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Fairlead" \
      org.opencontainers.image.description="Guides secrets from domain stores and Vault into Spark and Jupyter pods" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image/node /
COPY --from=build /image/dependencies /
COPY --from=build /image/fairlead /
COPY --from=build /image/cache /
ENV PATH=/usr/local/bin NODE_COMPILE_CACHE=/app/compile-cache
WORKDIR /app
USER 65532:65532
# Nothing is written: `--read-only` works. Health and metrics, webhook, API for keys.
EXPOSE 8081 9443 9444
# Without the first two flags Fairlead refuses to start (SECURITY.md); the third saves about 30 MB for each process.
ENTRYPOINT ["node", "--disable-sigusr1", "--report-exclude-env", "--optimize-for-size", "src/main.ts"]
