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

# Node's licence comes along where the base image has it. /image/node changes with Node, /image/dependencies with the
# lock file, /image/fairlead with each version.
RUN set -eu; \
    node="$(readlink -f "$(command -v node)")"; \
    mkdir -p /image/node/usr/local/bin /image/node/etc /image/dependencies/app /image/fairlead/app; \
    cp "$node" /image/node/usr/local/bin/node; \
    test ! -f /usr/local/LICENSE || cp /usr/local/LICENSE /image/node/usr/local/LICENSE; \
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
# What Node makes of each file when it first loads it is kept, so that no start has to do it again: a start takes half of
# the time, and 30 MB less. Node finds it by user, path and flags; a process that differs in one of them does without.
RUN set -eu; \
    chroot /image/node /usr/local/bin/node --version; \
    cp -a /image/dependencies/app /; \
    cp -a /image/fairlead/app/. /app/; \
    cd /app; \
    export NODE_COMPILE_CACHE=/app/.cache; \
    flags='--disable-sigusr1 --report-exclude-env --optimize-for-size'; \
    load="for (const role of ['admission', 'certificates', 'controller', 'keys']) await import('/app/src/roles/' + role + '.ts')"; \
    node $flags --input-type=module -e "$load"; \
    # Without a role it says so and ends.
    node $flags src/main.ts 2>/dev/null || test "$?" -eq 2; \
    NODE_DEBUG_NATIVE=COMPILE_CACHE node $flags --input-type=module -e "$load" 2>&1 | \
      grep -q 'roles/keys.ts.*was accepted'; \
    for folder in .cache/*-0; do mv "$folder" "${folder%0}65532"; done; \
    chmod -R a+rX,go-w .cache; \
    mv .cache /image/fairlead/app/

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
ENV PATH=/usr/local/bin \
    NODE_COMPILE_CACHE=/app/.cache
WORKDIR /app
USER 65532:65532
# Nothing is written: `--read-only` works. Health and metrics, webhook, API for keys.
EXPOSE 8081 9443 9444
# Without the first two flags Fairlead refuses to start (SECURITY.md); the third saves about 30 MB for each process.
ENTRYPOINT ["node", "--disable-sigusr1", "--report-exclude-env", "--optimize-for-size", "src/main.ts"]
